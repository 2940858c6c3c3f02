package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link LeavingContract} on a real cluster. */
@Tag("ceph")
final class LeavingOnCephSystemTest extends LeavingContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
