package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link TruncationContract} on a real cluster. */
@Tag("ceph")
final class TruncationOnCephSystemTest extends TruncationContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
