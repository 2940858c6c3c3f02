package org.rbdwrapper.client.preload;

/** {@link StorageToolsContract} on the file store. */
final class StorageToolsOnFileSystemTest extends StorageToolsContract {
    @Override
    protected String store() {
        return "file";
    }
}
