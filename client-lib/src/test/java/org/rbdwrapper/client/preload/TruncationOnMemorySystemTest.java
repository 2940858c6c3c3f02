package org.rbdwrapper.client.preload;

/** {@link TruncationContract} on the memory store. */
final class TruncationOnMemorySystemTest extends TruncationContract {
    @Override
    protected String store() {
        return "memory";
    }
}
