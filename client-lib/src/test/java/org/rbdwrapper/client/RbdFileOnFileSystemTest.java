package org.rbdwrapper.client;

/** {@link RbdFileContract} on the file store. */
final class RbdFileOnFileSystemTest extends RbdFileContract {
    @Override
    String store() {
        return "file";
    }
}
