package org.rbdwrapper.broker.session;

/**
 * @param key as {@code status} shows it.
 * @param used by all clients.
 * @param limit for all clients.
 * @param userLimit for one user.
 */
record ResourceUse(String key, long used, long limit, long userLimit) {}
