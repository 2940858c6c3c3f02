package org.rbdwrapper.client.preload;

/** {@link PollAndCopyContract} on the file store. */
final class PollAndCopyOnFileSystemTest extends PollAndCopyContract {
    @Override
    protected String store() {
        return "file";
    }
}
