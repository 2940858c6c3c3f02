package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link CoreutilsContract} on a real cluster. */
@Tag("ceph")
final class CoreutilsOnCephSystemTest extends CoreutilsContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
