package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.util.Map;

/** {@link AsynchronousContract} on a real cluster, which alone takes long enough to be seen. */
@Tag("ceph")
final class AsynchronousOnCephSystemTest extends AsynchronousContract {
    @Override
    protected String store() {
        return "ceph";
    }

    @ParameterizedTest
    @ValueSource(strings = {"libaio", "posixaio"})
    void shouldHaveAllOfItsDepthInFlightAtBroker(String engine) throws Exception {
        requires("fio");
        String path = image("depth", 32L * MIB);
        try (NativeProgram fio =
                NativeProgram.start(
                        runDir(),
                        Map.of("LD_PRELOAD", LIBRARY.toString()),
                        new byte[0],
                        "/usr/bin/fio",
                        "--name=job",
                        "--filename=" + path,
                        "--size=32M",
                        "--rw=randread",
                        "--bs=64k",
                        "--iodepth=32",
                        "--thread",
                        "--time_based",
                        "--runtime=5",
                        "--direct=1",
                        "--ioengine=" + engine)) {
            long most = 0;
            while (most < 16 && fio.isAlive()) {
                for (ClientInfo client : admin().clients()) {
                    most = Math.max(most, client.inFlight());
                }
            }
            assertTrue(most >= 16, "at most " + most + " requests were in flight");
            fio.await().expectSuccess();
        }
        remove(path);
    }
}
