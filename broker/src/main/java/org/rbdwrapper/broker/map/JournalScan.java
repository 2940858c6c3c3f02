package org.rbdwrapper.broker.map;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads what a journal holds, without Chronicle Queue and without mapping the file.
 *
 * <p>A queue's own tailer takes its files as they are: one flipped bit in its table kept it from
 * opening for ever, one in its index made it ask for more memory than there is, a file cut short
 * was taken for an empty one, and a file cut while it is mapped ends the process by SIGBUS. Its
 * file is a chain of blobs, each behind a length, and that is all that is read here:
 *
 * <pre>
 *   0             4                    4 + length, rounded up to a multiple of 4
 *   +-------------+--------------------+-------------+------- - -
 *   | header u32  | blob               | header u32  |
 *   | little end. |                    |             |
 *   +-------------+--------------------+-------------+------- - -
 *   header: bit 31 is set while the blob is being written, bit 30 for the queue's own, the rest is
 *   the length; 0 is the end, and nothing but zeroes follows, or one record
 * </pre>
 *
 * <p>The queue writes a record before its header: whoever is killed in between, which a busy host
 * makes likely, leaves a last record that is whole and has none. It was not acknowledged, and
 * counts all the same: so does one that was, and whose header was lost.
 *
 * @param records those that count, in order.
 * @param damage why there are no more, or null where there are no more.
 */
record JournalScan(List<MapRecord> records, String damage) {
    private static final int NOT_COMPLETE = 0x8000_0000;
    private static final int QUEUES_OWN = 0x4000_0000;
    private static final int LENGTH_MASK = 0x3fff_ffff;

    /** More than a record can be: its names are bounded. */
    private static final int MAX_RECORD_LENGTH = 1 << 20;

    static JournalScan of(Path file) {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            return of(in);
        } catch (IOException e) {
            return new JournalScan(List.of(), message(e));
        }
    }

    static JournalScan of(InputStream in) {
        List<MapRecord> records = new ArrayList<>();
        try {
            readAll(in, records);
        } catch (IOException e) {
            return new JournalScan(records, message(e));
        }
        if (records.isEmpty() || records.getFirst().kind() != MapRecord.Kind.BEGIN) {
            return new JournalScan(List.of(), "its first record is missing");
        }
        int promised = records.getFirst().number();
        if (records.size() - 1 < promised) {
            return new JournalScan(
                    records,
                    "it ends after " + (records.size() - 1) + " of " + promised + " mappings");
        }
        return new JournalScan(records, null);
    }

    private static String message(IOException e) {
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    private static void readAll(InputStream in, List<MapRecord> records) throws IOException {
        long at = 0;
        boolean isAfterRecord = true;
        while (true) {
            byte[] bytes = in.readNBytes(Integer.BYTES);
            if (bytes.length < Integer.BYTES) {
                throw new IOException("it is cut off at byte " + at);
            }
            int header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt();
            if (header == 0) {
                MapRecord unheaded = readEnd(in, records.size(), at);
                if (unheaded != null) {
                    records.add(unheaded);
                    return;
                }
                if (!isAfterRecord && !records.isEmpty()) {
                    // the queue writes its own where a record follows: this one may hide records
                    throw new IOException("it ends without a record at byte " + at);
                }
                return;
            }
            if ((header & NOT_COMPLETE) != 0) {
                throw new IOException("a record at byte " + at + " was not written to its end");
            }
            int length = header & LENGTH_MASK;
            int padded = (length + 3) & ~3;
            if ((header & QUEUES_OWN) != 0) {
                skipQueuesOwn(in, length, records.size(), at);
                skip(in, padded - length, at);
                isAfterRecord = false;
            } else if (length > MAX_RECORD_LENGTH) {
                throw new IOException("a record of " + length + " bytes at byte " + at);
            } else {
                records.add(decode(in.readNBytes(length), records.size(), at));
                skip(in, padded - length, at);
                isAfterRecord = true;
            }
            at += Integer.BYTES + padded;
        }
    }

    /** Unless it is the next record, whose header is damaged: that must not be lost in silence. */
    private static void skipQueuesOwn(InputStream in, int length, int sequence, long at)
            throws IOException {
        if (length > MAX_RECORD_LENGTH) {
            skip(in, length, at);
        } else if (decodeIfOne(in.readNBytes(length), sequence) != null) {
            throw new IOException("a record at byte " + at + " is marked as the queue's own");
        }
    }

    /** Null where it is not the record of that number. */
    private static MapRecord decodeIfOne(byte[] blob, int sequence) {
        try {
            return MapRecord.decode(blob, sequence);
        } catch (IOException e) {
            return null;
        }
    }

    private static MapRecord decode(byte[] record, int sequence, long at) throws IOException {
        try {
            return MapRecord.decode(record, sequence);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + " at byte " + at, e);
        }
    }

    private static void skip(InputStream in, int length, long at) throws IOException {
        try {
            in.skipNBytes(length);
        } catch (EOFException e) {
            throw new IOException("it is cut off in the record at byte " + at, e);
        }
    }

    /**
     * What follows the last header, which is 0.
     *
     * @return a record that lacks its header; null: there is nothing.
     */
    private static MapRecord readEnd(InputStream in, int sequence, long at) throws IOException {
        byte[] rest = in.readAllBytes();
        int end = rest.length;
        while (end > 0 && rest[end - 1] == 0) {
            end--;
        }
        if (end == 0) {
            return null;
        }
        // its own last bytes may be zeroes: its checksum says where it ends
        int longest =
                Math.min(
                        Math.min(end + MapRecord.MAX_ZEROES_AT_END, rest.length),
                        MAX_RECORD_LENGTH);
        for (int length = end; length <= longest; length++) {
            byte[] record = Arrays.copyOf(rest, length);
            MapRecord decoded = decodeIfOne(record, sequence);
            if (decoded != null) {
                return decoded;
            }
        }
        throw new IOException("a record at byte " + at + " is missing");
    }
}
