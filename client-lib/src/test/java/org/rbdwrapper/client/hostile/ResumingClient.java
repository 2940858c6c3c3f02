package org.rbdwrapper.client.hostile;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.segment.SegmentDescriptor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Says to its broker that it is each of the clients that came before it, and then to the next
 * broker: it knows their generation from a session of its own, and their numbers are smaller than
 * its own. It is there all the time. Prints {@code connected} when it has done the first, and, when
 * its input ends and the second is done, {@code all late} or the number of the one for which it was
 * taken.
 *
 * <p>Arguments: run directory.
 */
public final class ResumingClient {
    /** It outnumbers each of the others. */
    private static final int TIMES = 8;

    private final Path runDir;
    private final List<RawSession> sessions = new ArrayList<>();

    private ResumingClient(Path runDir) {
        this.runDir = runDir;
    }

    public static void main(String[] args) throws Exception {
        ResumingClient client = new ResumingClient(Path.of(args[0]));
        RawSession own = client.connect();
        long generation = own.segment.getLong(SegmentDescriptor.GENERATION_OFFSET);
        client.resumeAllBefore(own.id, generation);
        System.out.println("connected");
        System.in.readAllBytes();
        System.out.println(client.resumeAllBefore(own.id, generation));
    }

    private RawSession connect() throws ErrnoException {
        RawSession session = new RawSession(runDir);
        sessions.add(session);
        return session;
    }

    private String resumeAllBefore(long first, long generation) throws ErrnoException {
        String result = "all late";
        for (long id = 1; id < first; id++) {
            for (int i = 0; i < TIMES; i++) {
                if (!connect().resume(generation, id)) {
                    result = "taken for client " + id;
                }
            }
        }
        return result;
    }
}
