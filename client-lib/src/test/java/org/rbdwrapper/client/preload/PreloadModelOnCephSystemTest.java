package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link PreloadModelContract} on a real cluster. */
@Tag("ceph")
final class PreloadModelOnCephSystemTest extends PreloadModelContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
