package org.rbdwrapper.client.preload;

/** {@link PartitionsContract} on the file store. */
final class PartitionsOnFileSystemTest extends PartitionsContract {
    @Override
    protected String store() {
        return "file";
    }
}
