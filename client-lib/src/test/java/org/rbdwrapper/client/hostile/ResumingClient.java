package org.rbdwrapper.client.hostile;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.SegmentDescriptor;

import java.nio.file.Path;

/**
 * Says to the next broker that it is each of the clients that the first one had: it knows their
 * generation from a session of its own. Prints {@code connected}, and, when its input ends and all
 * of them are tried, {@code all late} or the number of the one for which it was taken.
 *
 * <p>Arguments: run directory.
 */
public final class ResumingClient {
    private static final int IDS = 40;

    private ResumingClient() {}

    public static void main(String[] args) throws Exception {
        Path runDir = Path.of(args[0]);
        long generation;
        try (RawSession session = new RawSession(runDir)) {
            generation = session.segment.getLong(SegmentDescriptor.GENERATION_OFFSET);
        }
        System.out.println("connected");
        System.in.readAllBytes();
        System.out.println(findAccepted(runDir, generation));
    }

    private static String findAccepted(Path runDir, long generation) throws ErrnoException {
        for (int id = 1; id <= IDS; id++) {
            try (RawSession session = new RawSession(runDir)) {
                if (!session.resume(generation, id)) {
                    return "taken for client " + id;
                }
            }
        }
        return "all late";
    }
}
