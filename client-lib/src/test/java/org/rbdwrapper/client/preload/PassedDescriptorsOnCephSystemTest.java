package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link PassedDescriptorsContract} on a real cluster. */
@Tag("ceph")
final class PassedDescriptorsOnCephSystemTest extends PassedDescriptorsContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
