package org.rbdwrapper.client.preload;

final class TimesOnFileSystemTest extends TimesContract {
    @Override
    protected String store() {
        return "file";
    }
}
