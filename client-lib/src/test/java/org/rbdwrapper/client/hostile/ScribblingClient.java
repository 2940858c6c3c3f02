package org.rbdwrapper.client.hostile;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * For some time one session after the other that ends in no good way: bytes that are no message, a
 * segment that is scribbled over while requests are under way, requests that name what is not
 * there. What the broker answers does not matter here, nor that it hangs up or is away.
 *
 * <p>Arguments: run directory, path of an image that may be written, seconds, seed.
 */
public final class ScribblingClient {
    private static final int GARBAGE = 8192;
    private static final int SCRIBBLES = 2000;
    private static final int REQUESTS = 200;
    private static final int PAUSE_MILLIS = 50;

    private ScribblingClient() {}

    public static void main(String[] args) throws Exception {
        Path runDir = Path.of(args[0]);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.parseLong(args[2]));
        SplittableRandom random = new SplittableRandom(Long.parseLong(args[3]));
        System.out.println("scribbling");
        long sessions = 0;
        while (System.nanoTime() < deadline) {
            try {
                if (random.nextInt(3) == 0) {
                    talkNonsense(runDir, random);
                } else {
                    scribble(runDir, args[1], random);
                }
                sessions++;
            } catch (ErrnoException e) {
                // refused, hung up on, or no broker there
            }
            Thread.sleep(random.nextInt(PAUSE_MILLIS));
        }
        System.out.println("sessions " + sessions);
    }

    private static void talkNonsense(Path runDir, SplittableRandom random) throws ErrnoException {
        int socket = UnixSocket.connect(runDir.resolve(RunDirectories.SOCKET_NAME).toString());
        try {
            byte[] bytes = new byte[random.nextInt(GARBAGE)];
            random.nextBytes(bytes);
            RawSession.sendRaw(socket, bytes);
            UnixSocket.awaitHangup(socket, random.nextInt(PAUSE_MILLIS));
        } finally {
            Fd.close(socket);
        }
    }

    private static void scribble(Path runDir, String path, SplittableRandom random)
            throws ErrnoException {
        try (RawSession session = new RawSession(runDir)) {
            int handle = session.open(path);
            for (int i = 0; i < REQUESTS; i++) {
                session.prepare(
                        random.nextLong(),
                        random.nextBoolean() ? handle : random.nextInt(),
                        random.nextBoolean() ? IoOp.WRITE.value() : random.nextInt(256),
                        random.nextBoolean() ? random.nextInt(1 << 20) : random.nextLong(),
                        random.nextBoolean() ? 4096 : random.nextLong(),
                        random.nextBoolean() ? 0 : random.nextInt());
                session.publish();
                session.ring();
            }
            UnsafeBuffer everything = session.everything();
            for (int i = 0; i < SCRIBBLES; i++) {
                everything.putByte(random.nextInt(everything.capacity()), (byte) random.nextInt());
            }
            session.ring();
            session.isHungUp(random.nextInt(PAUSE_MILLIS));
        }
    }
}
