package org.rbdwrapper.client.nio;

/**
 * Where an image is meant to differ from a plain file.
 *
 * @param what it does instead; stands in the javadoc of RbdFile.
 * @param reason of that.
 * @param meant tells whether this is the difference between two outcomes of a call.
 */
record Difference<C>(String what, String reason, Meant<C> meant) {
    /** Whether that is it. */
    @FunctionalInterface
    interface Meant<C> {
        boolean covers(C call, Outcome plain, Outcome image);
    }
}
