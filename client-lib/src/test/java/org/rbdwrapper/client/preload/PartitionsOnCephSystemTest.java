package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link PartitionsContract} on a real cluster. */
@Tag("ceph")
final class PartitionsOnCephSystemTest extends PartitionsContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
