package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.exceptions.RadosException;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** Images in a Ceph cluster. Any thread. */
public final class CephStore implements ImageStore {
    static final String CACHE = "rbd_cache";
    private static final String IO_TIMEOUT = "rados_osd_op_timeout"; // seconds, 0: none

    /**
     * What we set where ceph.conf does not: no client cache, which would answer writes before they
     * are on the OSDs and cannot be coherent with other hosts, but for mappings that want it; few
     * threads, since each connection has its own; and an end to waiting for a monitor that does not
     * answer, which rados_connect itself does not have. A request is submitted by the messenger
     * that drained it, and not handed to a thread of librbd first, which costs a wake: a messenger
     * does nothing else. librados's own throttle of requests under way is off, for it would make
     * the messenger wait, and each client has a bound of its own.
     */
    private static final Map<String, String> DEFAULTS =
            Map.of(
                    CACHE,
                    "false",
                    "rbd_cache_policy",
                    "writeback",
                    "rbd_non_blocking_aio",
                    "false",
                    "objecter_inflight_ops",
                    "0",
                    "objecter_inflight_op_bytes",
                    "0",
                    "ms_async_op_threads",
                    "1",
                    "librados_thread_count",
                    "1",
                    "client_mount_timeout",
                    "30");

    private static final Errno ELIBACC = Errno.of(79);

    private final List<CephImage> open = new CopyOnWriteArrayList<>();
    private final Path conf;
    private final String id;
    private final Map<String, String> options;
    private final CephConf set;
    private final ClientRecords records;
    private final Fence fence;

    private CephStore(
            Path conf,
            String id,
            Map<String, String> options,
            CephConf set,
            ClientRecords records) {
        this.conf = conf;
        this.id = id;
        this.options = options;
        this.set = set;
        this.records = records;
        this.fence = records == null ? null : new Fence(records);
    }

    /** As {@link #open(Path, String, Map, Path)}, without notes and fence. */
    public static CephStore open(Path conf, String id, Map<String, String> options)
            throws ErrnoException {
        return open(conf, id, options, null);
    }

    /**
     * Loads librbd and reads the configuration; does not connect.
     *
     * @param conf null: Ceph's usual places.
     * @param id the Ceph user without {@code client.}.
     * @param options of Ceph, which win over the file.
     * @param clients the folder in which this process notes its Ceph clients, for the one after it
     *     to fence, and finds those of the one before it; who uses it holds a lock on it. Null: no
     *     notes, and no fence.
     * @throws ErrnoException ENOENT where librbd or the file is missing.
     */
    public static CephStore open(Path conf, String id, Map<String, String> options, Path clients)
            throws ErrnoException {
        if (conf != null && !Files.isReadable(conf)) {
            throw new ErrnoException(
                    Errno.ENOENT, "the Ceph configuration " + conf + " cannot be read");
        }
        try {
            CephStore store =
                    new CephStore(
                            conf,
                            id,
                            Map.copyOf(options),
                            CephConf.read(conf, id),
                            clients == null ? null : new ClientRecords(clients));
            LibRbd.load();
            Cluster.load();
            return store;
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EIO,
                    "the Ceph configuration " + conf + " cannot be read (" + e.getMessage() + ")",
                    e);
        } catch (ExceptionInInitializerError | NoClassDefFoundError e) {
            throw new ErrnoException(
                    Errno.ENOENT,
                    "librbd.so.1 and librados.so.2 cannot be loaded: install the packages librbd1"
                            + " and librados2",
                    e);
        } catch (UnsatisfiedLinkError e) {
            throw new ErrnoException(
                    ELIBACC,
                    "JNA, through which the cluster is managed, cannot be loaded: it unpacks a"
                            + " library to the folder of -Djna.tmpdir, from which programs must be"
                            + " executable",
                    e);
        }
    }

    @Override
    public String describe() {
        return "ceph:" + (conf == null ? "default configuration" : conf) + " as client." + id;
    }

    @Override
    public StoreConnection connect(String name) throws ErrnoException {
        return new TimedConnections(
                seconds -> new RenewedConnection(name, () -> connectClient(name, seconds)));
    }

    private CephConnection connectClient(String name, int ioTimeoutSeconds) throws ErrnoException {
        Cluster cluster = new Cluster(id);
        try {
            configure(cluster);
            if (ioTimeoutSeconds > 0) {
                setOption(cluster, Map.entry(IO_TIMEOUT, Integer.toString(ioTimeoutSeconds)));
            }
            int[] ioThreads = IoThreads.startedBy(cluster::connect);
            return new CephConnection(this, name, cluster, ioThreads, note(cluster));
        } catch (RadosException | CephCallException e) {
            cluster.shutDown();
            throw CephErrors.connecting(
                    e,
                    "client." + id,
                    "the cluster of " + (conf == null ? "the default configuration" : conf));
        } catch (ErrnoException e) {
            cluster.shutDown();
            throw e;
        }
    }

    /**
     * Before anything is asked of a new connection: the broker after this one knows of it, and the
     * one before this one is fenced.
     *
     * @return undoes the note.
     */
    private Runnable note(Cluster cluster) throws ErrnoException, CephCallException {
        if (records == null) {
            return () -> {};
        }
        String clusterId = LibRados.clusterId(cluster.address());
        long client = LibRados.clientNumber(cluster.address());
        records.add(clusterId, client, LibRados.clientAddress(cluster.address()));
        try {
            fence.raise(cluster.address(), clusterId);
        } catch (ErrnoException | CephCallException e) {
            records.remove(clusterId, client); // it has asked for nothing
            throw e;
        }
        return () -> records.remove(clusterId, client);
    }

    /** Before it connects. */
    void configure(Cluster cluster) throws ErrnoException {
        try {
            if (conf != null) {
                cluster.confReadFile(conf.toFile());
            } else {
                CephCallException.check(
                        LibRbd.readDefaultConfiguration(cluster.address()), "rados_conf_read_file");
            }
        } catch (RadosException | CephCallException e) {
            throw CephErrors.of(
                    e,
                    conf == null
                            ? "no Ceph configuration in Ceph's usual places, such as"
                                    + " /etc/ceph/ceph.conf: name the file"
                            : "the Ceph configuration " + conf + " cannot be understood");
        }
        for (Map.Entry<String, String> option : DEFAULTS.entrySet()) {
            if (!set.sets(option.getKey())) {
                setOption(cluster, option);
            }
        }
        for (Map.Entry<String, String> option : options.entrySet()) {
            setOption(cluster, option);
        }
    }

    private static void setOption(Cluster cluster, Map.Entry<String, String> option)
            throws ErrnoException {
        try {
            cluster.confSet(option.getKey(), option.getValue());
        } catch (RadosException e) {
            throw CephErrors.of(
                    e, "the option " + option.getKey() + " of Ceph cannot be set as it is given");
        }
    }

    @Override
    public void close() {
        // connections are closed by who made them
    }

    void opened(CephImage image) {
        open.add(image);
    }

    void forget(CephImage image) {
        open.remove(image);
    }

    /** Worker: after a resize through any of the connections. */
    void refreshSizes(ImageSpec spec) {
        for (CephImage image : open) {
            if (image.spec().equals(spec)) {
                image.refreshSize();
            }
        }
    }
}
