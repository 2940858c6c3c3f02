package org.rbdwrapper.client.hostile;

import org.junit.jupiter.api.Tag;

@Tag("ceph")
final class StockRingsOnCephSystemTest extends StockRingsContract {
    @Override
    protected String store() {
        return "ceph";
    }
}
