package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link BadPointersContract} on a real cluster. */
@Tag("ceph")
final class BadPointersOnCephSystemTest extends BadPointersContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
