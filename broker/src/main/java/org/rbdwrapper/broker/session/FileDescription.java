package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.ipc.posix.Inode;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.zip.CRC32;

/**
 * An open file description as open(2) means it: what one open of an image has given to a program,
 * and what its descriptors stand for in whatever process they come to.
 *
 * @param id by which its files are named; random, since a file system gives an inode's number away
 *     again.
 * @param inode of the descriptor that stands for it.
 * @param mapping through which it was opened, by when that was made.
 * @param imageId of the image; what has its name later is another.
 * @param read and {@code write}: the rights that were checked when it was opened.
 * @param part what of the image.
 * @param uid who has opened it.
 * @param opener for people.
 */
record FileDescription(
        long id,
        Inode inode,
        long mapping,
        String imageId,
        boolean read,
        boolean write,
        Part part,
        int uid,
        String opener) {
    private static final int MAGIC = 0x72626466; // "rbdf"

    /**
     * As a client says it: it is kept and returned, and nothing here rests on it.
     *
     * @param partition its number; 0: the whole image.
     * @param base bytes: where in the image it begins.
     * @param length bytes of the partition; -1: the whole image, whatever its size.
     * @param path as the program named it.
     */
    record Part(int partition, long base, long length, String path) {}

    boolean isThrough(Mapping other) {
        return mapping == other.mappedAtNanos();
    }

    /** For the next broker: the fields in their order, between a magic number and a CRC-32. */
    byte[] encode() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(MAGIC);
        out.writeLong(id);
        out.writeLong(inode.device());
        out.writeLong(inode.number());
        out.writeLong(inode.changedNanos());
        out.writeLong(mapping);
        out.writeUTF(imageId);
        out.writeBoolean(read);
        out.writeBoolean(write);
        out.writeInt(part.partition());
        out.writeLong(part.base());
        out.writeLong(part.length());
        out.writeUTF(part.path());
        out.writeInt(uid);
        out.writeUTF(opener);
        out.writeInt(sum(bytes.toByteArray(), bytes.size()));
        return bytes.toByteArray();
    }

    /**
     * @throws IOException where this is not what {@link #encode} has written, or not all of it.
     */
    static FileDescription decode(byte[] bytes) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
        if (in.readInt() != MAGIC) {
            throw new IOException("it is not an open file's");
        }
        FileDescription decoded =
                new FileDescription(
                        in.readLong(),
                        new Inode(in.readLong(), in.readLong(), in.readLong()),
                        in.readLong(),
                        in.readUTF(),
                        in.readBoolean(),
                        in.readBoolean(),
                        new Part(in.readInt(), in.readLong(), in.readLong(), in.readUTF()),
                        in.readInt(),
                        in.readUTF());
        if (in.readInt() != sum(bytes, bytes.length - Integer.BYTES)) {
            throw new IOException("it is damaged");
        }
        return decoded;
    }

    private static int sum(byte[] bytes, int length) {
        CRC32 sum = new CRC32();
        sum.update(bytes, 0, length);
        return (int) sum.getValue();
    }
}
