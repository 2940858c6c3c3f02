package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

/**
 * What {@code map -o key=value,…} may say.
 *
 * @param perImage {@code messengers=per-image}: the image has a messenger of its own, shared by its
 *     clients, whatever the broker's policy is; {@code messengers=per-client}: each client's own;
 *     null: as the broker's policy says.
 * @param cached {@code cache=writeback}: the store's client answers writes that only its cache has
 *     yet; a flush makes them durable, and the broker's death loses those since the last one, as a
 *     power failure does of a disk. {@code cache=off}, the default: what is acknowledged is with
 *     the store.
 */
public record MappingOptions(Boolean perImage, boolean cached) {
    /**
     * @throws ErrnoException EINVAL, with one line that says what is allowed.
     */
    public static MappingOptions parse(String text) throws ErrnoException {
        Boolean perImage = null;
        boolean cached = false;
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
                default ->
                        throw new ErrnoException(
                                Errno.EINVAL,
                                "map option "
                                        + ImageSpec.quote(option)
                                        + " is not known: give messengers=per-image or"
                                        + " messengers=per-client, cache=off or cache=writeback");
            }
        }
        return new MappingOptions(perImage, cached);
    }

    /** Whether an image is opened on a messenger of its own. */
    public boolean isPerImage(MessengerPolicy broker) {
        return perImage != null ? perImage : broker.kind() == MessengerPolicy.Kind.PER_IMAGE;
    }
}
