import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32;

/**
 * Uses a file as Java programs do, and prints what it saw: the same for an image and a plain file.
 * Run from its source by JDK 17 and later. Arguments: the file, a folder for copies.
 */
class JavaFiles {
    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        Path folder = Path.of(args[1]);
        randomAccess(file);
        channel(file, folder);
        asynchronous(file);
        convenience(file, folder);
        child(file);
    }

    private static void randomAccess(Path file) throws IOException {
        try (RandomAccessFile random = new RandomAccessFile(file.toFile(), "rw")) {
            System.out.println("length " + random.length());
            random.seek(4096);
            random.write("written by Java".getBytes());
            random.writeLong(0x0102030405060708L);
            random.seek(4096);
            byte[] bytes = new byte[23];
            random.readFully(bytes);
            System.out.println("read " + crc(ByteBuffer.wrap(bytes)));
            System.out.println("position " + random.getFilePointer());
            random.seek(random.length());
            System.out.println("at the end " + random.read());
            random.getFD().sync();
            try (FileLock lock = random.getChannel().lock()) {
                System.out.println("locked " + lock.isValid());
            }
        }
    }

    private static void channel(Path file, Path folder) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer direct = ByteBuffer.allocateDirect(1 << 20);
            System.out.println("pread " + channel.read(direct, 12345));
            direct.flip();
            System.out.println(crc(direct.duplicate()));
            System.out.println("pwrite " + channel.write(direct, 100_000));
            ByteBuffer[] two = {ByteBuffer.allocate(10), ByteBuffer.allocateDirect(70_000)};
            System.out.println("readv " + channel.position(77).read(two));
            System.out.println(crc(two[0].flip()) + " " + crc(two[1].flip()));
            System.out.println("writev " + channel.position(900_000).write(rewound(two)));
            System.out.println("position " + channel.position());
            System.out.println("mapped " + crc(mapped(channel)));
            MappedByteBuffer copy = channel.map(FileChannel.MapMode.PRIVATE, 0, 8192);
            copy.put(0, (byte) 42);
            System.out.println("private " + crc(copy));
            try (FileChannel out =
                    FileChannel.open(
                            folder.resolve("out"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE)) {
                System.out.println("to " + channel.transferTo(5, 3_000_000, out));
            }
            try (FileChannel in = FileChannel.open(folder.resolve("out"))) {
                System.out.println("from " + channel.transferFrom(in, 1_000_000, 500_000));
            }
            channel.force(true);
        }
    }

    private static void asynchronous(Path file) throws Exception {
        try (AsynchronousFileChannel channel =
                AsynchronousFileChannel.open(
                        file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.allocate(10_000);
            System.out.println("asynchronous " + channel.read(buffer, 5).get());
            System.out.println(crc(buffer.flip()));
            System.out.println(channel.write(buffer.rewind(), 2_000_000).get());
        }
    }

    private static void convenience(Path file, Path folder) throws IOException {
        Path copy = folder.resolve("copy");
        System.out.println(Files.size(file) + " " + Files.isRegularFile(file));
        System.out.println(Files.isReadable(file) + " " + Files.isWritable(file));
        System.out.println(Files.readAttributes(file, "*").get("size"));
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
        System.out.println("mismatch " + Files.mismatch(file, copy));
        System.out.println("bytes " + crc(ByteBuffer.wrap(Files.readAllBytes(file))));
        try (InputStream in = new BufferedInputStream(new FileInputStream(file.toFile()))) {
            System.out.println("skipped " + in.skip(1000) + " " + in.read() + " " + in.available());
        }
    }

    private static void child(Path file) throws Exception {
        Process head =
                new ProcessBuilder("head", "-c", "1000").redirectInput(file.toFile()).start();
        byte[] bytes = head.getInputStream().readAllBytes();
        System.out.println("child " + head.waitFor() + " " + crc(ByteBuffer.wrap(bytes)));
    }

    private static ByteBuffer[] rewound(ByteBuffer[] buffers) {
        for (ByteBuffer buffer : buffers) {
            buffer.rewind();
        }
        return buffers;
    }

    private static long crc(ByteBuffer bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return crc.getValue();
    }

    /** An image has no shared mapping. */
    private static MappedByteBuffer mapped(FileChannel channel) throws IOException {
        try {
            return channel.map(FileChannel.MapMode.READ_ONLY, 4096, channel.size() - 4096);
        } catch (IOException e) {
            return channel.map(FileChannel.MapMode.PRIVATE, 4096, channel.size() - 4096);
        }
    }
}
