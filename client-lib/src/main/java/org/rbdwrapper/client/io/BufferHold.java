package org.rbdwrapper.client.io;

/** Who copies to and from the buffers of operations that are under way. Any thread. */
@FunctionalInterface
public interface BufferHold {
    /**
     * Returns when no copy is under way; those that begin later see that a {@link
     * Completion#isGivenUp completion was given up}.
     */
    void awaitNoCopy();
}
