package org.rbdwrapper.client;

import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;

/**
 * What the options say of an open.
 *
 * @param synced whether a write is durable when it returns.
 * @param truncate whether it begins with a truncation to 0.
 * @param createNew whether it is an error that the image is there.
 */
record OpenModes(boolean read, boolean write, boolean synced, boolean truncate, boolean createNew) {
    /**
     * @throws UnsupportedOperationException for what an image cannot do.
     */
    static OpenModes of(OpenOption... options) {
        boolean read = false;
        boolean write = false;
        boolean synced = false;
        boolean truncate = false;
        boolean createNew = false;
        for (OpenOption option : options) {
            Objects.requireNonNull(option, "option");
        }
        for (OpenOption option : options) {
            if (!(option instanceof StandardOpenOption known)) {
                throw new UnsupportedOperationException(option + " means nothing on an image");
            }
            switch (known) {
                case READ -> read = true;
                case WRITE -> write = true;
                case SYNC, DSYNC -> synced = true;
                case TRUNCATE_EXISTING -> truncate = true;
                case CREATE_NEW -> createNew = true;
                case CREATE, SPARSE -> {}
                case APPEND, DELETE_ON_CLOSE ->
                        throw new UnsupportedOperationException(
                                option + " cannot be done on an image: its size is fixed");
            }
        }
        boolean both = !read && !write;
        // as java.nio has it: what is not opened for writing is neither truncated nor created
        return new OpenModes(
                read || both, write || both, synced, write && truncate, write && createNew);
    }
}
