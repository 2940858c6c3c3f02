package org.rbdwrapper.client.preload;

/** {@link CoreutilsContract} on the file store. */
final class CoreutilsOnFileSystemTest extends CoreutilsContract {
    @Override
    protected String store() {
        return "file";
    }
}
