package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link StorageToolsContract} on a real cluster. */
@Tag("ceph")
final class StorageToolsOnCephSystemTest extends StorageToolsContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
