package org.rbdwrapper.client.death;

final class ClientDeathOnFileSystemTest extends ClientDeathContract {
    @Override
    String[] options() {
        return new String[] {"--store", "file", "--messengers", "shared:2"};
    }

    @Override
    int messengers() {
        return 2;
    }
}
