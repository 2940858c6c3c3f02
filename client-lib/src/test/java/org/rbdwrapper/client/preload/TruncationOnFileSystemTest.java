package org.rbdwrapper.client.preload;

/** {@link TruncationContract} on the file store. */
final class TruncationOnFileSystemTest extends TruncationContract {
    @Override
    protected String store() {
        return "file";
    }
}
