package org.rbdwrapper.client.death;

/** Where most that a kill leaves without an answer has taken effect, and was seen. */
final class HistoryOnLateAnswersSystemTest extends HistoryContract {
    @Override
    BrokerProcess startBroker() throws Exception {
        return BrokerProcess.startProgram(LateAnswersBroker.class.getName());
    }

    @Override
    int bytesThatTakeTime() {
        return 4096;
    }

    @Override
    boolean areBlocksWhole() {
        return false;
    }
}
