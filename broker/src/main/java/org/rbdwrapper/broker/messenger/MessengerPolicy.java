package org.rbdwrapper.broker.messenger;

/**
 * How many messengers there are, and which one a client's images are opened on: {@code per-client},
 * {@code per-image}, {@code shared:N} or {@code auto}. An image that is open for writing has one
 * home whatever the policy says: see SharedImage.
 *
 * @param count of SHARED: how many; otherwise 0.
 */
public record MessengerPolicy(Kind kind, int count) {
    public static final MessengerPolicy PER_CLIENT = new MessengerPolicy(Kind.PER_CLIENT, 0);
    public static final MessengerPolicy PER_IMAGE = new MessengerPolicy(Kind.PER_IMAGE, 0);

    public static final MessengerPolicy AUTO = new MessengerPolicy(Kind.AUTO, 0);

    /** What {@link MessengerPolicy} names. */
    public enum Kind {
        /** Each client has its own, up to the limit; then the least loaded is shared. */
        PER_CLIENT,
        /** Each image has its own, up to the limit. */
        PER_IMAGE,
        /** A fixed number, given out in turn. */
        SHARED,
        /** One, and another only where it is seen to be needed: see {@link MessengerGrowth}. */
        AUTO
    }

    /**
     * @throws IllegalArgumentException with one line that says what is allowed.
     */
    public static MessengerPolicy parse(String text) {
        if (text.equals("per-client")) {
            return PER_CLIENT;
        }
        if (text.equals("per-image")) {
            return PER_IMAGE;
        }
        if (text.equals("auto")) {
            return AUTO;
        }
        if (text.matches("shared:[1-9][0-9]{0,2}")) {
            return new MessengerPolicy(
                    Kind.SHARED, Integer.parseInt(text.substring("shared:".length())));
        }
        throw new IllegalArgumentException(
                "messenger policy '"
                        + text
                        + "' is not known: give per-client, per-image, auto or shared:N (N from 1"
                        + " to 999)");
    }

    @Override
    public String toString() {
        return switch (kind) {
            case PER_CLIENT -> "per-client";
            case PER_IMAGE -> "per-image";
            case SHARED -> "shared:" + count;
            case AUTO -> "auto";
        };
    }
}
