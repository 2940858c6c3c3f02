package org.rbdwrapper.client.nativelib;

/** {@link LibrbdwContract} on the memory store. */
final class LibrbdwOnMemorySystemTest extends LibrbdwContract {
    @Override
    protected String store() {
        return "memory";
    }
}
