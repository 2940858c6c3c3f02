package org.rbdwrapper.client.session;

import java.nio.file.Path;
import java.util.List;

/**
 * What a session asks its brokers for.
 *
 * @param runDirs where they are looked for.
 * @param channels at least so many.
 * @param depth requests in flight of a channel.
 * @param arenaLength bytes of a channel.
 * @param buffersLength bytes of it that the program has for its buffers: see {@link
 *     org.rbdwrapper.client.io.SharedBuffers}.
 */
record Wish(List<Path> runDirs, int channels, int depth, int arenaLength, int buffersLength) {
    Wish {
        runDirs = List.copyOf(runDirs);
    }

    /** Of an arena as the broker gave it: one that is too short is so for the program. */
    int buffersLengthOf(int grantedLength) {
        return Math.clamp(grantedLength - (arenaLength - buffersLength), 0, buffersLength);
    }
}
