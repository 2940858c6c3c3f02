package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.messenger.MessengerSample;

/**
 * A messenger, with who uses it.
 *
 * @param sessions whose rings it drains.
 * @param opens which its connection serves, of whatever session.
 * @param inFlight requests on its connection.
 */
record MessengerStatus(MessengerSample sample, int sessions, int opens, long inFlight) {}
