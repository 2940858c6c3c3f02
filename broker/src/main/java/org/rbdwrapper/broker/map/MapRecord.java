package org.rbdwrapper.broker.map;

import org.rbdwrapper.ipc.ImageSpec;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * One change of the image map as the journal has it. Numbers are big endian, strings as {@link
 * DataOutputStream#writeUTF}.
 *
 * <pre>
 *   0         1        2         6
 *   +---------+--------+---------+-----------------------------------------------------------+
 *   | version | kind   | CRC32C  | MAPPED:   id, flags, uid, gid, mode, time, names, options |
 *   | u8      | u8     | u32     | UNMAPPED: id                                              |
 *   +---------+--------+---------+-----------------------------------------------------------+
 * </pre>
 *
 * The checksum covers version, kind and what follows it.
 *
 * @param mapping null where the mapping with {@code id} ends.
 */
record MapRecord(int id, Mapping mapping) {
    private static final int VERSION = 1;
    private static final int MAPPED = 1;
    private static final int UNMAPPED = 2;
    private static final int HEADER_LENGTH = 6;
    private static final int CHECKSUM_OFFSET = 2;

    byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeByte(mapping != null ? MAPPED : UNMAPPED);
            out.writeInt(0);
            out.writeInt(id);
            if (mapping != null) {
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
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory takes every byte", e);
        }
        byte[] record = bytes.toByteArray();
        int checksum = checksum(record);
        for (int i = 0; i < 4; i++) {
            record[CHECKSUM_OFFSET + i] = (byte) (checksum >>> (24 - 8 * i));
        }
        return record;
    }

    /**
     * @throws IOException where it is damaged, or of a later release.
     */
    static MapRecord decode(byte[] record) throws IOException {
        if (record.length < HEADER_LENGTH + 4) {
            throw new IOException("a record of " + record.length + " bytes");
        }
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(record))) {
            int version = in.readUnsignedByte();
            int kind = in.readUnsignedByte();
            if (in.readInt() != checksum(record)) {
                throw new IOException("a record whose checksum is wrong");
            }
            if (version != VERSION) {
                throw new IOException("a record of version " + version);
            }
            int id = in.readInt();
            if (kind == UNMAPPED) {
                return new MapRecord(id, null);
            }
            boolean readOnly = in.readBoolean();
            int ownerUid = in.readInt();
            int ownerGid = in.readInt();
            int mode = in.readInt();
            long mappedAtNanos = in.readLong();
            ImageSpec spec = new ImageSpec(in.readUTF(), in.readUTF(), in.readUTF(), in.readUTF());
            return new MapRecord(
                    id,
                    new Mapping(
                            id,
                            spec,
                            in.readUTF(),
                            readOnly,
                            ownerUid,
                            ownerGid,
                            mode,
                            mappedAtNanos,
                            in.readUTF()));
        } catch (IllegalArgumentException e) {
            throw new IOException("a record that is not understood (" + e.getMessage() + ")", e);
        }
    }

    private static int checksum(byte[] record) {
        CRC32C checksum = new CRC32C();
        checksum.update(record, 0, CHECKSUM_OFFSET);
        checksum.update(Arrays.copyOfRange(record, HEADER_LENGTH, record.length));
        return (int) checksum.getValue();
    }
}
