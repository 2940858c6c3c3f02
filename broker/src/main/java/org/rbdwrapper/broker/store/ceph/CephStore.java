package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.exceptions.RadosException;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** Images in a Ceph cluster. Any thread. */
public final class CephStore implements ImageStore {
    private static final String IO_TIMEOUT = "rados_osd_op_timeout"; // seconds, 0: none

    /**
     * An image that its mapping does not want cached: each of these alone keeps librbd from
     * answering writes that are not on the OSDs. An image's or a pool's metadata beats what a
     * client sets, and where that switches the cache on, the other two make it one for reading.
     */
    private static final Map<String, String> CACHE_OFF =
            Map.of(
                    ImageSettings.CACHE,
                    "false",
                    ImageSettings.CACHE_POLICY,
                    "writethrough",
                    ImageSettings.CACHE_MAX_DIRTY,
                    "0");

    /**
     * What we set whatever ceph.conf and the cluster's configuration say, for what the broker
     * promises to programs rests on it: no cache but for mappings that want one; I/O that waits for
     * the cluster but for mappings that have a timeout; a copy of what is written, as its program
     * may change it while it is sent; writes to images that nobody else has locked, without asking
     * for the lock; images of the format that has an identity. librados's own throttle of requests
     * under way is off, for it would make the messenger wait, and with it other images, and each
     * client has a bound of its own. {@link ImageSettings} looks at what can still beat these.
     */
    private static final Map<String, String> PROMISED =
            Map.of(
                    ImageSettings.COPIES_WRITES,
                    "true",
                    ImageSettings.LOCAL_CACHE,
                    "disabled",
                    "rbd_auto_exclusive_lock_until_manual_request",
                    "true",
                    "rbd_default_format",
                    "2",
                    "objecter_inflight_ops",
                    "0",
                    "objecter_inflight_op_bytes",
                    "0");

    /**
     * What we set where ceph.conf does not: few threads, since each connection has its own; and an
     * end to waiting for a monitor that does not answer, which rados_connect itself does not have.
     * A request is submitted by the messenger that drained it, and not handed to a thread of librbd
     * first, which costs a wake: a messenger does nothing else.
     */
    private static final Map<String, String> DEFAULTS =
            Map.of(
                    "rbd_non_blocking_aio",
                    "false",
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
    private final TimesFolder times;

    private CephStore(
            Path conf,
            String id,
            Map<String, String> options,
            CephConf set,
            ClientRecords records,
            TimesFolder times) {
        this.conf = conf;
        this.id = id;
        this.options = options;
        this.set = set;
        this.records = records;
        this.times = times;
        this.fence = records == null ? null : new Fence(records);
    }

    /** As {@link #open(Path, String, Map, Path, Path)}, without notes and fence. */
    public static CephStore open(Path conf, String id, Map<String, String> options)
            throws ErrnoException {
        return open(conf, id, options, null, null);
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
     * @param times the folder in which the times of images outlive this process; likewise locked.
     *     Null: what this host's clients do to them is forgotten with it.
     * @throws ErrnoException ENOENT where librbd or the file is missing.
     */
    public static CephStore open(
            Path conf, String id, Map<String, String> options, Path clients, Path times)
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
                            clients == null ? null : new ClientRecords(clients),
                            new TimesFolder(times));
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
        return new TunedConnections(
                tuning -> new RenewedConnection(name, () -> connectClient(name, tuning)));
    }

    private CephConnection connectClient(String name, ImageTuning tuning) throws ErrnoException {
        Cluster cluster = new Cluster(id);
        try {
            configure(cluster, tuning);
            int[] ioThreads = IoThreads.startedBy(cluster::connect);
            String clusterId = LibRados.clusterId(cluster.address());
            Runnable forget = note(cluster, clusterId);
            return new CephConnection(this, name, cluster, clusterId, ioThreads, forget);
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
    private Runnable note(Cluster cluster, String clusterId)
            throws ErrnoException, CephCallException {
        if (records == null) {
            return () -> {};
        }
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
    void configure(Cluster cluster, ImageTuning tuning) throws ErrnoException {
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
        setAll(cluster, tuning.cached() ? cacheOn() : CACHE_OFF);
        setAll(cluster, PROMISED);
        setAll(cluster, Map.of(IO_TIMEOUT, Integer.toString(tuning.ioTimeoutSeconds())));
        for (Map.Entry<String, String> option : DEFAULTS.entrySet()) {
            if (!set.sets(option.getKey())) {
                setOption(cluster, option);
            }
        }
        setAll(cluster, options);
    }

    /** How much, and in which way, is what ceph.conf says. */
    private Map<String, String> cacheOn() {
        return set.sets(ImageSettings.CACHE_POLICY)
                ? Map.of(ImageSettings.CACHE, "true")
                : Map.of(ImageSettings.CACHE, "true", ImageSettings.CACHE_POLICY, "writeback");
    }

    private static void setAll(Cluster cluster, Map<String, String> options) throws ErrnoException {
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

    TimesFolder times() {
        return times;
    }

    /** An instance of an image that is open, through any of the connections; or null. */
    CephImage findOpen(ImageRef ref) {
        for (CephImage image : open) {
            if (image.ref().equals(ref)) {
                return image;
            }
        }
        return null;
    }

    void forget(CephImage image) {
        open.remove(image);
    }

    /** Worker: after a resize through any of the connections. */
    void refreshSizes(ImageRef ref) {
        for (CephImage image : open) {
            if (image.ref().equals(ref)) {
                image.refreshSize();
            }
        }
    }
}
