package org.rbdwrapper.client;

/** {@link RbdFileContract} on the memory store. */
final class RbdFileOnMemorySystemTest extends RbdFileContract {
    @Override
    String store() {
        return "memory";
    }
}
