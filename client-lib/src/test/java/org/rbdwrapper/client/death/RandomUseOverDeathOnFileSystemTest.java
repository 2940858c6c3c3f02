package org.rbdwrapper.client.death;

final class RandomUseOverDeathOnFileSystemTest extends RandomUseOverDeathContract {
    @Override
    String[] options() {
        return new String[] {"--store", "file"};
    }
}
