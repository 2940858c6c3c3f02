package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.messenger.MessengerPool;
import org.rbdwrapper.broker.messenger.MessengerSample;

import java.util.ArrayList;
import java.util.List;

/**
 * Puts the messengers' own counters together with the sessions that use them. Conductor's thread.
 */
final class MessengerStatuses {
    private final Conductor conductor;
    private final MessengerPool messengers;

    MessengerStatuses(Conductor conductor, MessengerPool messengers) {
        this.conductor = conductor;
        this.messengers = messengers;
    }

    List<MessengerStatus> now() {
        int[] sessions = new int[messengers.size()];
        int[] opens = new int[messengers.size()];
        long[] inFlight = new long[messengers.size()];
        for (Session session : conductor.sessions()) {
            if (session.messenger != null) {
                sessions[session.messenger.index()]++;
            }
            for (Session.MappedOpen open : session.mappedOpens()) {
                int home = open.open().messenger().index();
                opens[home]++;
                inFlight[home] += open.open().handle().inFlight();
            }
        }
        List<MessengerStatus> statuses = new ArrayList<>();
        for (MessengerSample sample : messengers.samples()) {
            int i = sample.index();
            statuses.add(new MessengerStatus(sample, sessions[i], opens[i], inFlight[i]));
        }
        return statuses;
    }
}
