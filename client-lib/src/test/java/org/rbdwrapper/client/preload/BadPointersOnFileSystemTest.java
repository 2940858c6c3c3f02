package org.rbdwrapper.client.preload;

/** {@link BadPointersContract} on the file store. */
final class BadPointersOnFileSystemTest extends BadPointersContract {
    @Override
    protected String store() {
        return "file";
    }
}
