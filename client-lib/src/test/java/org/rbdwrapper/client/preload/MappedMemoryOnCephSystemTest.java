package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.admin.MapRequest;

import java.util.Map;

/** {@link MappedMemoryContract} on a real cluster, which has snapshots. */
@Tag("ceph")
final class MappedMemoryOnCephSystemTest extends MappedMemoryContract {
    @Override
    protected String store() {
        return "ceph";
    }

    @Test
    void shouldMapSnapshotsWhichCannotChange() throws Exception {
        requires("python3");
        Twins twins = twins("kept", MIB);
        CephCluster.get().rbd("snap", "create", "kept@then");
        String snapshot = admin().map(MapRequest.of("kept@then"));
        String kinds = shell(Map.of("F", snapshot), KINDS).expectSuccess().text();
        assertTrue(kinds.contains("0 1 1 ok not writable ok not writable\n"), kinds);
        String script =
                "python3 -c 'import hashlib, mmap, os;"
                        + " m = mmap.mmap(os.open(os.environ[\"F\"], os.O_RDONLY), 0,"
                        + " mmap.MAP_SHARED, mmap.PROT_READ);"
                        + " print(hashlib.sha256(m).hexdigest())'";
        assertEquals(
                plainShell(Map.of("F", twins.file().toString()), script).expectSuccess().text(),
                shell(Map.of("F", snapshot), script).expectSuccess().text());
        String times = "stat -c '%Y %Z %W' $F";
        String made = shell(Map.of("F", snapshot), times).expectSuccess().text();
        shell(Map.of("F", twins.path()), "printf x | dd of=$F conv=notrunc status=none")
                .expectSuccess();
        assertEquals(made, shell(Map.of("F", snapshot), times).expectSuccess().text());
        assertTrue(
                shell(Map.of("F", snapshot), "touch $F").errors().contains("Read-only"),
                "touch of a snapshot");
        admin().unmap(snapshot, false);
        CephCluster.get().rbd("snap", "rm", "kept@then");
        remove(twins.path());
    }
}
