package org.rbdwrapper.client;

import org.rbdwrapper.client.io.Completion;

/** Who hears of an operation's end, also where it could not be submitted. */
interface Pending extends Completion {
    /**
     * @param failure as the program gets it.
     */
    void onRefused(Throwable failure);
}
