package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

final class CephConfTest {
    @TempDir Path folder;

    @Test
    void shouldFindOptionsHoweverTheyAreWritten() throws IOException {
        CephConf conf =
                read(
                        """
                        rbd cache = true
                        [client]
                        \tms-async-op-threads=3 ; as measured
                        """);
        assertTrue(conf.sets("rbd_cache"));
        assertTrue(conf.sets("ms_async_op_threads"));
        assertFalse(conf.sets("client_mount_timeout"));
    }

    @Test
    void shouldCountTheSectionsOfThisClientOnly() throws IOException {
        CephConf conf =
                read(
                        """
                        [osd]
                        ms_async_op_threads = 5
                        [client.other]
                        librados_thread_count = 5
                        [ client.rbdw ]
                        rbd_cache = true
                        """);
        assertTrue(conf.sets("rbd_cache"));
        assertFalse(conf.sets("ms_async_op_threads"));
        assertFalse(conf.sets("librados_thread_count"));
    }

    @Test
    void shouldPassOverComments() throws IOException {
        CephConf conf = read("[global]\n# rbd_cache = true\n; rbd_cache = true\n");
        assertFalse(conf.sets("rbd_cache"));
    }

    private CephConf read(String text) throws IOException {
        return CephConf.read(Files.writeString(folder.resolve("ceph.conf"), text), "rbdw");
    }
}
