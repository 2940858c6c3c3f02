package org.rbdwrapper.client.preload;

/** {@link StreamsContract} on the file store. */
final class StreamsOnFileSystemTest extends StreamsContract {
    @Override
    protected String store() {
        return "file";
    }
}
