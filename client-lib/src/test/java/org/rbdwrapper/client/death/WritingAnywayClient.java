package org.rbdwrapper.client.death;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.IoErrors;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Writes to an image until that fails, waits for the end of its input, and tries each other way to
 * write to the file, and to open it again.
 *
 * <p>Arguments: run directory, path.
 */
final class WritingAnywayClient {
    private WritingAnywayClient() {}

    @FunctionalInterface
    private interface Step {
        void take() throws Exception;
    }

    public static void main(String[] args) throws Exception {
        Path runDir = Path.of(args[0]);
        try (RbdFile file = RbdFile.openAt(runDir, args[1])) {
            file.write(one(), 0);
            System.out.println("writing");
            String failure;
            do {
                failure = failure(() -> file.write(one(), 0));
            } while (failure.equals("none"));
            System.out.println("lost: " + failure);
            while (System.in.read() >= 0) {
                Thread.onSpinWait();
            }
            System.out.println("async: " + failure(() -> file.writeAsync(one(), 0).get()));
            System.out.println("in place: " + failure(() -> file.allocate(1).close()));
            System.out.println("sync: " + failure(() -> file.write(one(), 0)));
            System.out.println(
                    "opened again: " + failure(() -> RbdFile.openAt(runDir, args[1]).close()));
        }
    }

    private static ByteBuffer one() {
        return ByteBuffer.wrap(new byte[] {1});
    }

    private static String failure(Step step) {
        try {
            step.take();
            return "none";
        } catch (Exception e) {
            return IoErrors.errno(e).toString();
        }
    }
}
