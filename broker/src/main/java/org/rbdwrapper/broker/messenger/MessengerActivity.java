package org.rbdwrapper.broker.messenger;

/**
 * What a messenger's thread has done since it began.
 *
 * @param elapsedNanos since then.
 * @param busyNanos of these with requests or tasks in hand: not looking for work, not asleep.
 * @param requests taken from its clients' rings.
 * @param bytes that these read or write.
 * @param turns through its channels in which it found requests: how many at once, tells how far it
 *     is behind.
 * @param fullBatches of one channel, as long as they may be: more may have waited there.
 */
public record MessengerActivity(
        long elapsedNanos,
        long busyNanos,
        long requests,
        long bytes,
        long turns,
        long fullBatches) {}
