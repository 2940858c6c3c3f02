package org.rbdwrapper.client.death;

final class HistoryOnFileSystemTest extends HistoryContract {
    @Override
    BrokerProcess startBroker() throws Exception {
        return BrokerProcess.start("--store", "file");
    }

    /** The kernel copies page by page, and not on where its process is killed. */
    @Override
    int bytesThatTakeTime() {
        return 256 * 1024;
    }

    /** The kernel's files do not promise it. */
    @Override
    boolean areBlocksWhole() {
        return false;
    }
}
