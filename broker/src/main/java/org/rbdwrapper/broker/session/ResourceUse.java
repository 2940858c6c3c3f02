package org.rbdwrapper.broker.session;

/**
 * @param used by all clients.
 * @param limit for all clients.
 * @param userLimit for one user.
 */
record ResourceUse(Resource resource, long used, long limit, long userLimit) {}
