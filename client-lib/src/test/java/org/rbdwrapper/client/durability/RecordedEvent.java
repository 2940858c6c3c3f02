package org.rbdwrapper.client.durability;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** One event of a recording, as {@code power_recorder/recorder.h} has them. */
record RecordedEvent(
        Kind kind, long inode, long a, long b, String path, String otherPath, ByteBuffer data) {
    /** In the order of the header, from 1. */
    enum Kind {
        CREATE,
        MAKE_FOLDER,
        RENAME,
        UNLINK,
        WRITE,
        SIZE,
        ZERO,
        ALLOCATE,
        SYNC_BEGIN,
        SYNC_END,
        MARK
    }

    static List<RecordedEvent> readAll(Path recording) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(recording));
        in.order(ByteOrder.nativeOrder());
        List<RecordedEvent> events = new ArrayList<>();
        while (in.hasRemaining()) {
            Kind kind = Kind.values()[in.getInt() - 1];
            int pathLength = in.getInt();
            int otherPathLength = in.getInt();
            int dataLength = in.getInt();
            long inode = in.getLong();
            long a = in.getLong();
            long b = in.getLong();
            String path = text(in, pathLength);
            String otherPath = text(in, otherPathLength);
            byte[] data = new byte[dataLength];
            in.get(data);
            events.add(
                    new RecordedEvent(kind, inode, a, b, path, otherPath, ByteBuffer.wrap(data)));
        }
        return events;
    }

    private static String text(ByteBuffer in, int length) {
        byte[] bytes = new byte[length];
        in.get(bytes);
        return new String(bytes, UTF_8);
    }
}
