package org.rbdwrapper.client.death;

final class TimesOverDeathOnFileSystemTest extends TimesOverDeathContract {
    @Override
    String[] options() {
        return new String[] {"--store", "file"};
    }
}
