package org.rbdwrapper.client.nativelib;

/** {@link LibrbdwContract} on the file store. */
final class LibrbdwOnFileSystemTest extends LibrbdwContract {
    @Override
    protected String store() {
        return "file";
    }
}
