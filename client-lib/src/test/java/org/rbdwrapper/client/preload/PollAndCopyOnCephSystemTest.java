package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link PollAndCopyContract} on a real cluster. */
@Tag("ceph")
final class PollAndCopyOnCephSystemTest extends PollAndCopyContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
