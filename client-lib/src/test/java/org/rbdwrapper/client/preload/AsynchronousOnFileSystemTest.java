package org.rbdwrapper.client.preload;

/** {@link AsynchronousContract} on the file store. */
final class AsynchronousOnFileSystemTest extends AsynchronousContract {
    @Override
    protected String store() {
        return "file";
    }
}
