package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.ImageSpec;

/**
 * One image behind one path.
 *
 * @param id small number, as a device has.
 * @param image what is mapped, wherever its name goes.
 * @param name what stands after {@code /rbdw/}.
 * @param mode permission bits, 0 to 0777.
 * @param mappedAtNanos nanoseconds since the epoch; also tells it from all others that there were.
 * @param options {@code key=value} separated by commas; may be empty.
 */
public record Mapping(
        int id,
        ImageRef image,
        String name,
        boolean readOnly,
        int ownerUid,
        int ownerGid,
        int mode,
        long mappedAtNanos,
        String options) {
    /** Where mapped images seem to be. */
    public static final String ROOT = "/rbdw/";

    /** What the image was called when it was mapped. */
    public ImageSpec spec() {
        return image.spec();
    }

    public String path() {
        return ROOT + name;
    }
}
