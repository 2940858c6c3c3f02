package org.rbdwrapper.client.preload;

/** {@link InterpretersContract} on the file store. */
final class InterpretersOnFileSystemTest extends InterpretersContract {
    @Override
    protected String store() {
        return "file";
    }
}
