package org.rbdwrapper.client.hostile;

final class StockRingsOnMemorySystemTest extends StockRingsContract {
    @Override
    protected String store() {
        return "memory";
    }
}
