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
 */
record Wish(List<Path> runDirs, int channels, int depth, int arenaLength) {}
