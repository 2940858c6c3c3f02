package org.rbdwrapper.adm;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Listens where a client looks for its broker, and counts what it is sent. Ends with its standard
 * input, and says how much that was.
 */
final class Impostor {
    private static final AtomicLong CONNECTIONS = new AtomicLong();
    private static final AtomicLong BYTES = new AtomicLong();

    private Impostor() {}

    /**
     * @param args {@code rename}: the folder comes and goes all the time, {@code stay}: it does
     *     not; the folder.
     */
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[1]);
        Path away = folder.resolveSibling(folder.getFileName() + ".away");
        Files.createDirectories(folder);
        Path socket = folder.resolve("broker.sock");
        Files.deleteIfExists(socket);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket), 1024);
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
        Thread.ofPlatform().daemon().start(() -> serve(server));
        System.out.println("ready");
        long renames = 0;
        while (System.in.available() == 0) {
            if (args[0].equals("rename")) {
                Files.move(folder, away, StandardCopyOption.ATOMIC_MOVE);
                Files.move(away, folder, StandardCopyOption.ATOMIC_MOVE);
                renames++;
            } else {
                Thread.sleep(10);
            }
        }
        System.out.println(
                "renamed " + renames + ", connections " + CONNECTIONS + ", bytes " + BYTES);
    }

    private static void serve(ServerSocketChannel server) {
        ByteBuffer received = ByteBuffer.allocate(4096);
        while (true) {
            try (SocketChannel client = server.accept()) {
                CONNECTIONS.incrementAndGet();
                System.out.println("connected");
                BYTES.addAndGet(Math.max(0, client.read(received.clear()))); // and no answer
            } catch (IOException e) {
                System.out.println(e); // who has hung up
            }
        }
    }
}
