package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.CpuAffinity;
import org.rbdwrapper.ipc.posix.SpareCores;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;

/**
 * The threads that carry a connection's I/O, and the cores that they run on: see {@link
 * PlacementTrial}.
 *
 * <p>Owned by the messenger's thread. Allocates, but only when the threads are moved, which happens
 * once in some thousand requests.
 */
final class ConnectionThreads {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectionThreads.class);

    /** Of /proc/PID/stat, counted from the state, which is the first after the name. */
    private static final int PROCESSOR_FIELD = 36;

    private static final boolean WANTED = !"off".equals(System.getProperty("rbdw.gather"));

    private final SpareCores spareCores = SpareCores.idle(1);
    private final PlacementTrial trial = new PlacementTrial();
    private final int[] threads;
    private BitSet everywhere;
    private boolean usable;

    /**
     * @param threads the kernel's ids of them; none where the store has none of its own.
     */
    ConnectionThreads(int[] threads) {
        this.threads = threads.clone();
        this.usable =
                WANTED && threads.length > 0 && Runtime.getRuntime().availableProcessors() > 1;
    }

    /** False where there is nothing to be gained: the other calls need not be made. */
    boolean isUsable() {
        return usable;
    }

    /**
     * A request came, and no other is under way.
     *
     * @param awakeBetween whether the messenger keeps its core to itself until the next one.
     */
    void onAlone(boolean awakeBetween) {
        long now = System.nanoTime();
        follow(spareCores.left(now) ? trial.onAlone(now) : trial.onScarceCores(), awakeBetween);
    }

    /** Several requests are under way. */
    void onCrowd() {
        follow(trial.onCrowd(), false);
    }

    private void follow(PlacementTrial.Advice advice, boolean awakeBetween) {
        try {
            switch (advice) {
                case STAY -> {}
                case GATHER -> gather(awakeBetween);
                case SPREAD -> {
                    if (everywhere != null) {
                        moveTo(everywhere);
                    }
                }
            }
        } catch (IOException e) {
            usable = false; // nothing is lost but time
            LOG.info("the threads of a connection cannot be moved: {}", e.toString());
        }
    }

    private void gather(boolean awakeBetween) throws ErrnoException, IOException {
        everywhere = CpuAffinity.of(threads[0]);
        int mine = CpuAffinity.current();
        int core = mine;
        if (awakeBetween) {
            // elsewhere: best where they run already
            for (int i = 0; i < threads.length && core == mine; i++) {
                core = lastCore(threads[i]);
            }
            if (core == mine) {
                core = everywhere.nextSetBit(mine + 1);
                core = core < 0 ? everywhere.nextSetBit(0) : core;
            }
        }
        if (!everywhere.get(core)) {
            core = everywhere.nextSetBit(0);
        }
        BitSet one = new BitSet();
        one.set(core);
        moveTo(one);
    }

    private void moveTo(BitSet cores) throws ErrnoException {
        for (int thread : threads) {
            CpuAffinity.set(thread, cores);
        }
    }

    private static int lastCore(int thread) throws IOException {
        String stat =
                Files.readString(
                        Path.of("/proc/self/task/" + thread + "/stat"),
                        StandardCharsets.ISO_8859_1);
        return Integer.parseInt(
                stat.substring(stat.lastIndexOf(')') + 2).split(" ")[PROCESSOR_FIELD]);
    }
}
