package org.rbdwrapper.client.hostile;

final class StockRingsOnFileSystemTest extends StockRingsContract {
    @Override
    protected String store() {
        return "file";
    }
}
