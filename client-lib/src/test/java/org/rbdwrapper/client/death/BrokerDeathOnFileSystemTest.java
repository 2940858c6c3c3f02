package org.rbdwrapper.client.death;

final class BrokerDeathOnFileSystemTest extends BrokerDeathContract {
    @Override
    String[] options() {
        return new String[] {"--store", "file"};
    }
}
