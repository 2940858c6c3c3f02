package org.rbdwrapper.client.preload;

/** {@link PreloadModelContract} on the file store. */
final class PreloadModelOnFileSystemTest extends PreloadModelContract {
    @Override
    protected String store() {
        return "file";
    }
}
