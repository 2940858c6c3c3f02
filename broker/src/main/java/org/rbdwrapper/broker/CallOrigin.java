package org.rbdwrapper.broker;

import java.util.function.BooleanSupplier;

/**
 * For whom {@link Workers} make a call, and what it is.
 *
 * @param uid the user for whom it is made: his calls wait for each other before they wait for
 *     anybody else's.
 * @param what for people: "opening of image rbd/x".
 * @param isWanted asked before the call is made, on any thread: whoever wanted it may have gone
 *     while it waited.
 */
public record CallOrigin(Lane lane, int uid, String what, BooleanSupplier isWanted) {
    public CallOrigin(Lane lane, int uid, String what) {
        this(lane, uid, what, () -> true);
    }
}
