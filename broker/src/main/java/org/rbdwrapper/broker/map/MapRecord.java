package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * One record of the image map's journal. Numbers are big endian, strings as {@link
 * DataOutputStream#writeUTF} has them.
 *
 * <pre>
 *   0         1        2          4         8         12
 *   +---------+--------+----------+---------+----------+------------------------------------------+
 *   | version | kind   | reserved | CRC32C  | sequence | BEGIN:    count of mappings that follow  |
 *   | u8      | u8     | u16      | u32     | u32      | MAPPED:   id, flags, owner, time, names, |
 *   |         |        |          |         |          |           identity of the image          |
 *   |         |        |          |         |          | UNMAPPED: id                             |
 *   +---------+--------+----------+---------+----------+------------------------------------------+
 * </pre>
 *
 * The checksum covers all but itself. The sequence counts a journal's records from 0: where one is
 * missing, those after it do not count.
 *
 * @param number BEGIN: how many mappings the journal starts from; else the mapping's id.
 * @param mapping null but for MAPPED.
 */
record MapRecord(Kind kind, int number, Mapping mapping) {
    /** What a record says. */
    enum Kind {
        BEGIN(1),
        MAPPED(2),
        UNMAPPED(3);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        private static Kind of(int code) throws IOException {
            for (Kind kind : values()) {
                if (kind.code == code) {
                    return kind;
                }
            }
            throw new IOException("a record of kind " + code + ", of a later release");
        }
    }

    /** A record ends with a number, after a name's length that may be 0. */
    static final int MAX_ZEROES_AT_END = Long.BYTES + Short.BYTES;

    private static final int VERSION = 1;
    private static final int CHECKSUM_OFFSET = 4;
    private static final int HEADER_LENGTH = 12;

    static MapRecord begin(int count) {
        return new MapRecord(Kind.BEGIN, count, null);
    }

    static MapRecord mapped(Mapping mapping) {
        return new MapRecord(Kind.MAPPED, mapping.id(), mapping);
    }

    static MapRecord unmapped(int id) {
        return new MapRecord(Kind.UNMAPPED, id, null);
    }

    byte[] encode(int sequence) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeByte(kind.code);
            out.writeShort(0);
            out.writeInt(0);
            out.writeInt(sequence);
            out.writeInt(number);
            if (mapping != null) {
                encodeMapping(out);
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("mapping " + number + " cannot be recorded", e);
        }
        byte[] record = bytes.toByteArray();
        ByteBuffer.wrap(record).putInt(CHECKSUM_OFFSET, checksum(record));
        return record;
    }

    /**
     * @throws IOException where it is damaged, not the one expected here, or of a later release;
     *     the message says which.
     */
    static MapRecord decode(byte[] record, int expectedSequence) throws IOException {
        if (record.length < HEADER_LENGTH + Integer.BYTES) {
            throw new IOException("a record of " + record.length + " bytes");
        }
        if (ByteBuffer.wrap(record).getInt(CHECKSUM_OFFSET) != checksum(record)) {
            throw new IOException("a record with a wrong checksum");
        }
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(record))) {
            int version = in.readUnsignedByte();
            if (version != VERSION) {
                throw new IOException("a record of version " + version + ", of a later release");
            }
            Kind kind = Kind.of(in.readUnsignedByte());
            in.skipNBytes(Short.BYTES + Integer.BYTES); // reserved, checksum
            int sequence = in.readInt();
            if (sequence != expectedSequence) {
                throw new IOException(
                        "record " + sequence + " in the place of record " + expectedSequence);
            }
            int number = in.readInt();
            return switch (kind) {
                case MAPPED -> mapped(decodeMapping(number, in));
                case UNMAPPED -> unmapped(number);
                case BEGIN -> begin(number);
            };
        } catch (EOFException e) {
            throw new IOException("a record of " + record.length + " bytes, which lacks some", e);
        } catch (IllegalArgumentException e) {
            throw new IOException("a record that is not understood (" + e.getMessage() + ")", e);
        }
    }

    private void encodeMapping(DataOutputStream out) throws IOException {
        out.writeBoolean(mapping.readOnly());
        out.writeInt(mapping.ownerUid());
        out.writeInt(mapping.ownerGid());
        out.writeInt(mapping.mode());
        out.writeLong(mapping.mappedAtNanos());
        out.writeUTF(mapping.spec().pool());
        out.writeUTF(mapping.spec().namespace());
        out.writeUTF(mapping.spec().image());
        out.writeUTF(mapping.spec().snap());
        out.writeUTF(mapping.name());
        out.writeUTF(mapping.options());
        out.writeUTF(mapping.image().imageId());
        out.writeLong(mapping.image().snapshotId());
    }

    private static Mapping decodeMapping(int id, DataInputStream in) throws IOException {
        boolean readOnly = in.readBoolean();
        int ownerUid = in.readInt();
        int ownerGid = in.readInt();
        int mode = in.readInt();
        long mappedAtNanos = in.readLong();
        ImageSpec spec = new ImageSpec(in.readUTF(), in.readUTF(), in.readUTF(), in.readUTF());
        String name = in.readUTF();
        String options = in.readUTF();
        ImageRef image =
                in.available() == 0 // one that was written before identities were
                        ? ImageRef.named(spec)
                        : new ImageRef(spec, in.readUTF(), in.readLong());
        return new Mapping(
                id, image, name, readOnly, ownerUid, ownerGid, mode, mappedAtNanos, options);
    }

    private static int checksum(byte[] record) {
        CRC32C checksum = new CRC32C();
        checksum.update(record, 0, CHECKSUM_OFFSET);
        int rest = CHECKSUM_OFFSET + Integer.BYTES;
        checksum.update(record, rest, record.length - rest);
        return (int) checksum.getValue();
    }
}
