package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Tag;

/** {@link TimesContract} on a real cluster. */
@Tag("ceph")
final class TimesOnCephSystemTest extends TimesContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
