package org.rbdwrapper.client.nativelib;

import org.junit.jupiter.api.Tag;

/** {@link LibrbdwContract} on a real cluster. */
@Tag("ceph")
final class LibrbdwOnCephSystemTest extends LibrbdwContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
