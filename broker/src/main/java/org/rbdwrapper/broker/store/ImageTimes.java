package org.rbdwrapper.broker.store;

/**
 * When an image was read and changed, as stat(2) has it of a file. They are the image's: they
 * survive the broker, and an unmap.
 *
 * @param accessed nanoseconds since the epoch, as the others; as on a file system that is mounted
 *     with relatime.
 * @param modified when its bytes were last changed, or what a program has set.
 * @param changed when its bytes or times were last changed; nobody can set it.
 * @param created when it was made.
 */
public record ImageTimes(long accessed, long modified, long changed, long created) {}
