package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link InterpretersContract} on a real cluster. */
@Tag("ceph")
final class InterpretersOnCephSystemTest extends InterpretersContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
