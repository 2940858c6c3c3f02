package org.rbdwrapper.client.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.testing.JavaCommand;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * What a program, and all that it starts, do to a state directory, recorded call by call by {@code
 * power_recorder}. The folder, in memory where there is some, is deleted by {@link #close}.
 *
 * @param folder of all.
 * @param disk that was recorded; the state directory is {@code state} in it.
 */
record PowerRecording(Path folder, Path disk, List<RecordedEvent> events) implements AutoCloseable {
    /**
     * @param what to say of a failure, for whoever repeats it.
     * @param main gets the state directory, a run directory, and a file of {@link Marks}, and then
     *     the arguments.
     */
    static PowerRecording of(String what, Class<?> main, String... arguments) throws Exception {
        Path memory = Path.of("/dev/shm");
        Path folder =
                Files.isWritable(memory)
                        ? Files.createTempDirectory(memory, "rbdw-power-")
                        : Files.createTempDirectory("rbdw-power-").toRealPath();
        try {
            Path disk = Files.createDirectory(folder.resolve("disk"));
            Files.createDirectory(folder.resolve("tmp"));
            run(what, folder, main.getName(), arguments);
            return new PowerRecording(
                    folder, disk, RecordedEvent.readAll(folder.resolve("recording")));
        } catch (Throwable t) {
            DurableFiles.deleteTree(folder);
            throw t;
        }
    }

    /** As it was when the program began. */
    RecordedDisk emptyDisk() throws IOException {
        return new RecordedDisk(disk, (long) Files.getAttribute(disk, "unix:ino"));
    }

    /** For whoever wants to look at it. */
    void keep() throws IOException {
        Files.copy(
                folder.resolve("recording"),
                Path.of("target", "power-loss-recording"),
                StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() throws IOException {
        DurableFiles.deleteTree(folder);
    }

    private static void run(String what, Path folder, String main, String... arguments)
            throws Exception {
        Path disk = folder.resolve("disk");
        Path marks = folder.resolve("marks");
        List<String> command = new ArrayList<>();
        command.add(NativeProgram.FOLDER.resolve("power_recorder").toString());
        command.add(disk.toString());
        command.add(marks.toString());
        command.add(folder.resolve("recording").toString());
        List<String> all = new ArrayList<>();
        all.add(disk.resolve("state").toString());
        all.add(folder.resolve("run").toString());
        all.add(marks.toString());
        all.addAll(List.of(arguments));
        List<String> program = JavaCommand.shortLived(main, all);
        command.add(program.getFirst());
        command.add("-Djava.io.tmpdir=" + folder.resolve("tmp"));
        command.addAll(program.subList(1, program.size()));
        Path output = folder.resolve("output");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        int status = process.waitFor();
        assertEquals(0, status, what + ": " + Files.readString(output));
    }
}
