package org.rbdwrapper.client;

/** {@link RbdFileContract} on the file store. */
final class RbdFileOnFileSystemTest extends RbdFileContract {
    @Override
    protected String store() {
        return "file";
    }
}
