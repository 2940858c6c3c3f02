package org.rbdwrapper.client.preload;

final class TimesOnMemorySystemTest extends TimesContract {
    @Override
    protected String store() {
        return "memory";
    }
}
