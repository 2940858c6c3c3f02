package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

/**
 * What {@code map -o key=value,…} may say.
 *
 * @param perImage {@code messengers=per-image}: the image has a messenger of its own, shared by its
 *     clients, whatever the broker's policy is; {@code messengers=per-client}: each client's own;
 *     null: as the broker's policy says.
 * @param tuning {@code cache=writeback}: the store's client answers writes that only its cache has
 *     yet; a flush makes them durable, and the broker's death loses those since the last one, as a
 *     power failure does of a disk. Without it what is acknowledged is with the store, unless the
 *     image's own settings there say otherwise ({@link StoreImage#holdsWrites}): who makes them
 *     wants that, and its users hear of what is lost as those of a mapping with the cache do.
 *     {@code io-timeout=SECONDS}: a request that the store does not answer ends with ETIMEDOUT; 0,
 *     the default: it waits.
 * @param isCacheOff {@code cache=off} is said: the image is not mapped, and not opened for writing,
 *     with settings by which writes could be answered before the store has them.
 */
public record MappingOptions(Boolean perImage, ImageTuning tuning, boolean isCacheOff) {
    private static final String IO_TIMEOUT = "io-timeout=";
    private static final int MAX_IO_TIMEOUT_SECONDS = 3600;

    /**
     * @throws ErrnoException EINVAL, with one line that says what is allowed.
     */
    public static MappingOptions parse(String text) throws ErrnoException {
        Boolean perImage = null;
        Boolean cached = null;
        int ioTimeout = 0;
        for (String option : text.isEmpty() ? new String[0] : text.split(",", -1)) {
            switch (option) {
                case "messengers=per-image" -> perImage = true;
                case "messengers=per-client" -> perImage = false;
                case "cache=writeback" -> cached = true;
                case "cache=off" -> cached = false;
                case "messengers=auto" ->
                        throw new ErrnoException(
                                Errno.EINVAL,
                                "map option messengers=auto: how many messengers there are is the"
                                        + " broker's to say (rbdwrapper-broker start --messengers"
                                        + " auto); for a mapping give messengers=per-image or"
                                        + " messengers=per-client");
                default -> {
                    if (!option.startsWith(IO_TIMEOUT)) {
                        throw new ErrnoException(
                                Errno.EINVAL,
                                "map option "
                                        + ImageSpec.quote(option)
                                        + " is not known: give messengers=per-image or"
                                        + " messengers=per-client, cache=off or cache=writeback,"
                                        + " io-timeout=SECONDS");
                    }
                    ioTimeout = seconds(option);
                }
            }
        }
        boolean isCached = cached != null && cached;
        if (isCached && ioTimeout > 0) {
            throw new ErrnoException(
                    Errno.EINVAL,
                    "map options cache=writeback and io-timeout="
                            + ioTimeout
                            + ": writes that the cache has answered could be given up; give one of"
                            + " them");
        }
        return new MappingOptions(
                perImage, new ImageTuning(isCached, ioTimeout), cached != null && !isCached);
    }

    /** Why an image is refused that is mapped with {@code cache=off}. */
    public static ErrnoException cached(String what, StoreImage image) {
        return new ErrnoException(
                Errno.EOPNOTSUPP,
                what
                        + " with cache=off: writes would be answered before they are with the"
                        + " cluster, by "
                        + image.heldWritesBy());
    }

    private static int seconds(String option) throws ErrnoException {
        String text = option.substring(IO_TIMEOUT.length());
        if (text.matches("[0-9]{1,4}")) {
            int seconds = Integer.parseInt(text);
            if (seconds <= MAX_IO_TIMEOUT_SECONDS) {
                return seconds;
            }
        }
        throw new ErrnoException(
                Errno.EINVAL,
                "map option "
                        + ImageSpec.quote(option)
                        + ": give whole seconds from 1 to "
                        + MAX_IO_TIMEOUT_SECONDS
                        + ", or 0 to wait");
    }

    /** Whether an image is opened on a messenger of its own. */
    public boolean isPerImage(MessengerPolicy broker) {
        return perImage != null ? perImage : broker.kind() == MessengerPolicy.Kind.PER_IMAGE;
    }
}
