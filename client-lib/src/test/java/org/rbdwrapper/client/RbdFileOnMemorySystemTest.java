package org.rbdwrapper.client;

/** {@link RbdFileContract} on the memory store. */
final class RbdFileOnMemorySystemTest extends RbdFileContract {
    @Override
    protected String store() {
        return "memory";
    }
}
