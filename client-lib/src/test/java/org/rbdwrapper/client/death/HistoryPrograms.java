package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.Signals;
import org.rbdwrapper.client.history.History;
import org.rbdwrapper.client.history.HistoryClient;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Programs of each kind that read and write the same few blocks, and record what they see. */
final class HistoryPrograms implements AutoCloseable {
    /** Of each program: some of them wait for each operation, the others do not. */
    static final int THREADS = 6;

    private final List<Member> members = new ArrayList<>();
    private final Path runDir;
    private final String image;
    private final Path folder;
    private final int blocks;
    private final int blockLength;

    enum Kind {
        /** {@code RbdFile}: threads that wait, futures, and buffers in shared memory. */
        JAVA,

        /** librbdw: more threads than channels. */
        C,

        /** A program under the preload library: threads that wait, and POSIX AIO. */
        PRELOADED
    }

    private static final class Member {
        private final String name;
        private final Process process;
        private final Closeable owner;
        private final Path record;
        private boolean killed;

        Member(String name, Process process, Closeable owner, Path record) {
            this.name = name;
            this.process = process;
            this.owner = owner;
            this.record = record;
        }
    }

    /**
     * @param folder for what they record; whose it is stays the caller's.
     */
    HistoryPrograms(Path runDir, String image, Path folder, int blocks, int blockLength) {
        this.runDir = runDir;
        this.image = image;
        this.folder = folder;
        this.blocks = blocks;
        this.blockLength = blockLength;
    }

    /** One more; returns when it has recorded something. */
    void start(Kind kind) throws Exception {
        int number = members.size() + 1;
        String name = kind.name().toLowerCase(java.util.Locale.ROOT) + number;
        Path record = Files.createFile(folder.resolve(name));
        List<String> arguments =
                List.of(
                        image,
                        record.toString(),
                        Integer.toString(number),
                        Integer.toString(blocks),
                        Integer.toString(blockLength),
                        Integer.toString(THREADS),
                        folder.resolve("end").toString());
        Member member;
        if (kind == Kind.JAVA) {
            List<String> all = new ArrayList<>(List.of(runDir.toString()));
            all.addAll(arguments);
            JavaProcess program =
                    JavaProcess.start(Map.of(), HistoryClient.class, all.toArray(String[]::new));
            member = new Member(name, program.process(), program::close, record);
        } else {
            boolean preloaded = kind == Kind.PRELOADED;
            List<String> all = new ArrayList<>(List.of(preloaded ? "history" : "rbdw_history"));
            all.addAll(arguments);
            Path library = NativeProgram.FOLDER.resolve("librbdwrapper.so");
            NativeProgram program =
                    NativeProgram.start(
                            runDir,
                            preloaded ? Map.of("LD_PRELOAD", library.toString()) : Map.of(),
                            new byte[0],
                            all.toArray(String[]::new));
            member = new Member(name, program.process(), program::close, record);
        }
        members.add(member);
        while (Files.size(record) == 0) {
            if (!member.process.isAlive()) {
                throw new IOException(name + " has ended");
            }
            Thread.sleep(10);
        }
    }

    int count() {
        return members.size();
    }

    /** By SIGSTOP. */
    void stop(int index) throws Exception {
        Signals.send("STOP", members.get(index).process.pid());
    }

    /** By SIGCONT. */
    void resume(int index) throws Exception {
        Signals.send("CONT", members.get(index).process.pid());
    }

    /** By SIGKILL, wherever it is. */
    void kill(int index) {
        Member member = members.get(index);
        member.killed = true;
        member.process.destroyForcibly().onExit().join();
    }

    /** Ends them; fails where one has not ended well. */
    History finish() throws Exception {
        Files.createFile(folder.resolve("end"));
        History history = new History(blocks);
        for (Member member : members) {
            if (!member.process.waitFor(60, TimeUnit.SECONDS)) {
                throw new IOException(member.name + " did not end");
            }
            if (!member.killed) {
                assertEquals(0, member.process.exitValue(), member.name);
            }
            history.add(member.name, member.record);
        }
        return history;
    }

    @Override
    public void close() throws IOException {
        for (Member member : members) {
            member.owner.close();
        }
    }
}
