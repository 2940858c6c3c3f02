package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.ModelClient;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What works on an image while its broker ends. */
enum Program {
    /** Java: threads, virtual threads, futures and buffers, held against a plain file. */
    JAVA_MODEL {
        @Override
        List<Load> start(Path runDir, String image, Path model, int seconds) throws Exception {
            List<Load> loads = new ArrayList<>();
            for (int i = 0; i < PROCESSES; i++) {
                loads.add(
                        of(
                                JavaProcess.start(
                                        Map.of(),
                                        ModelClient.class,
                                        runDir.toString(),
                                        image,
                                        model.toString(),
                                        Long.toString(BrokerDeathContract.SIZE),
                                        Integer.toString(i),
                                        Integer.toString(PROCESSES),
                                        Integer.toString(4),
                                        Integer.toString(seconds),
                                        Long.toString(seed()))));
            }
            return loads;
        }
    },

    /** librbdw: more threads than channels, held against a plain file. */
    C_MODEL {
        @Override
        List<Load> start(Path runDir, String image, Path model, int seconds) throws Exception {
            List<Load> loads = new ArrayList<>();
            for (int i = 0; i < PROCESSES; i++) {
                loads.add(
                        of(
                                NativeProgram.start(
                                        runDir,
                                        Map.of(),
                                        new byte[0],
                                        "rbdw_model",
                                        image,
                                        model.toString(),
                                        Long.toString(seed()),
                                        "6",
                                        Integer.toString(seconds),
                                        Integer.toString(i),
                                        Integer.toString(PROCESSES))));
            }
            return loads;
        }
    },

    /**
     * The preload library: fio, which verifies checksums of what it wrote, in three ways at once.
     */
    FIO {
        @Override
        List<Load> start(Path runDir, String image, Path model, int seconds) throws Exception {
            List<String> jobs = new ArrayList<>();
            int job = 0;
            for (String engine : List.of("psync", "libaio", "posixaio")) {
                jobs.addAll(
                        List.of(
                                "--name=" + engine,
                                "--ioengine=" + engine,
                                "--offset=" + 32 * job++ + "M"));
            }
            return fio(runDir, image, seconds, jobs);
        }
    },

    /** The same by a program that makes no call to wait by, but looks at memory. */
    FIO_IN_MEMORY {
        @Override
        List<Load> start(Path runDir, String image, Path model, int seconds) throws Exception {
            return fio(
                    runDir,
                    image,
                    seconds,
                    List.of(
                            "--name=memory",
                            "--ioengine=libaio",
                            "--userspace_reap=1",
                            "--iodepth_batch_complete_min=0"));
        }
    };

    private static final int PROCESSES = 2;

    abstract List<Load> start(Path runDir, String image, Path model, int seconds) throws Exception;

    private static List<Load> fio(Path runDir, String image, int seconds, List<String> jobs)
            throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/fio")), "fio is not installed");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "/usr/bin/fio",
                                "--filename=" + image,
                                "--rw=randwrite",
                                "--bsrange=512-64k",
                                "--size=32M",
                                "--iodepth=16",
                                "--time_based",
                                "--runtime=" + seconds,
                                "--verify=crc32c",
                                "--verify_backlog=128",
                                "--verify_fatal=1",
                                "--verify_state_save=0",
                                "--output-format=terse"));
        command.addAll(jobs);
        String library = NativeProgram.FOLDER.resolve("librbdwrapper.so").toString();
        return List.of(
                of(
                        NativeProgram.start(
                                runDir,
                                Map.of("LD_PRELOAD", library),
                                new byte[0],
                                command.toArray(String[]::new))));
    }

    private static long seed() {
        return System.nanoTime() % 1_000_000;
    }

    private static Load of(JavaProcess process) {
        return new Load() {
            @Override
            public void awaitStart() throws Exception {
                process.awaitLine("open");
            }

            @Override
            public void awaitSuccess(int seconds) throws Exception {
                System.out.println(process.awaitSuccess(seconds).strip());
            }

            @Override
            public void end() throws Exception {
                process.close();
            }
        };
    }

    private static Load of(NativeProgram process) {
        return new Load() {
            @Override
            public void awaitStart() throws Exception {
                Thread.sleep(500); // it opens the image at once
            }

            @Override
            public void awaitSuccess(int seconds) throws Exception {
                process.await(seconds).expectSuccess();
            }

            @Override
            public void end() throws Exception {
                process.close();
            }
        };
    }
}
