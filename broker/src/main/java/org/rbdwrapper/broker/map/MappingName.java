package org.rbdwrapper.broker.map;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.nio.charset.StandardCharsets;

/** What may stand after {@code /rbdw/}: what a file in a folder may be called, on one line. */
public final class MappingName {
    private static final int MAX_BYTES = 255; // NAME_MAX

    private MappingName() {}

    public static void check(String name) throws ErrnoException {
        String problem = problem(name);
        if (problem != null) {
            throw new ErrnoException(
                    Errno.EINVAL,
                    "the name " + ImageSpec.quote(name) + " cannot be mapped: " + problem);
        }
    }

    private static String problem(String name) {
        if (name.isEmpty()) {
            return "it is empty";
        }
        if (name.equals(".") || name.equals("..")) {
            return "it means a folder";
        }
        if (name.indexOf('/') >= 0) {
            return "it holds a '/'";
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            return "it holds a control character";
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) {
            return "it is longer than " + MAX_BYTES + " bytes";
        }
        return null;
    }
}
