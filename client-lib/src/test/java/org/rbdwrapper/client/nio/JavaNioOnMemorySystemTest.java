package org.rbdwrapper.client.nio;

/** {@link JavaNioContract} on the memory store. */
final class JavaNioOnMemorySystemTest extends JavaNioContract {
    @Override
    protected String store() {
        return "memory";
    }
}
