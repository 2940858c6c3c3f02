package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link ReadAheadContract} on a real cluster. */
@Tag("ceph")
final class ReadAheadOnCephSystemTest extends ReadAheadContract {
    @Override
    protected String store() {
        return "ceph";
    }

    @Override
    protected int changes() {
        return 300;
    }
}
