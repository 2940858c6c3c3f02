package org.rbdwrapper.client.nio;

/** {@link JavaNioContract} on the file store. */
final class JavaNioOnFileSystemTest extends JavaNioContract {
    @Override
    protected String store() {
        return "file";
    }
}
