package org.rbdwrapper.client.preload;

/** {@link LeavingContract} on the file store. */
final class LeavingOnFileSystemTest extends LeavingContract {
    @Override
    protected String store() {
        return "file";
    }
}
