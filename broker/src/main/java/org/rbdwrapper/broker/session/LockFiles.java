package org.rbdwrapper.broker.session;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashMap;
import java.util.Map;

/**
 * By what the programs of this host lock parts of an image against each other: an empty memfd for
 * each image that somebody has locked. The kernel does the locking, with all that belongs to it
 * (deadlocks found, locks of the dead released), and the broker never looks at it. Conductor's
 * thread.
 */
final class LockFiles {
    private static final Logger LOG = LoggerFactory.getLogger(LockFiles.class);
    private static final String NAME = "rbdwrapper-lock";

    /** Bytes; a sealed memory has at least a page. */
    private static final int LENGTH = 4096;

    private final Map<ImageSpec, Integer> descriptors = new HashMap<>();

    /** The image's memfd, which stays this object's. */
    int descriptorOf(ImageSpec image) throws ErrnoException {
        Integer known = descriptors.get(image);
        if (known != null) {
            return known;
        }
        int made = SharedMemory.createSealed(NAME, LENGTH);
        descriptors.put(image, made);
        return made;
    }

    /** The image is not mapped any more: nobody has it open. */
    void forget(ImageSpec image) {
        Integer known = descriptors.remove(image);
        if (known != null) {
            try {
                Fd.close(known);
            } catch (ErrnoException e) {
                LOG.warn("lock file of {}: {}", image, e.describe());
            }
        }
    }
}
