package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link StreamsContract} on a real cluster. */
@Tag("ceph")
final class StreamsOnCephSystemTest extends StreamsContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
