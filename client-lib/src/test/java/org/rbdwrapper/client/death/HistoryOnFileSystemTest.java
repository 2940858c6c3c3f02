package org.rbdwrapper.client.death;

final class HistoryOnFileSystemTest extends HistoryContract {
    @Override
    String[] options() {
        return new String[] {"--store", "file"};
    }

    /** The kernel's files do not promise it. */
    @Override
    boolean areBlocksWhole() {
        return false;
    }
}
