package org.rbdwrapper.client.preload;

final class MappedMemoryOnFileSystemTest extends MappedMemoryContract {
    @Override
    protected String store() {
        return "file";
    }
}
