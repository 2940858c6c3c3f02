package org.rbdwrapper.client.preload;

/** {@link ReadAheadContract} on the file store. */
final class ReadAheadOnFileSystemTest extends ReadAheadContract {
    @Override
    protected String store() {
        return "file";
    }

    @Override
    protected int changes() {
        return 3000;
    }
}
