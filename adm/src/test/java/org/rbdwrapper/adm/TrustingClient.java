package org.rbdwrapper.adm;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A Java program that uses an image through the broker that it finds. */
final class TrustingClient {
    private TrustingClient() {}

    /**
     * @param args the image's path, and how often it is opened; or {@code hold}: it is open before
     *     and after a line is read.
     */
    public static void main(String[] args) throws Exception {
        if (args[1].equals("hold")) {
            try (RbdFile file = RbdFile.open(args[0])) {
                read(file);
                System.out.println("has read");
                System.in.read();
                read(file);
            }
            return;
        }
        int succeeded = 0;
        for (int i = 0; i < Integer.parseInt(args[1]); i++) {
            try (BrokerAdmin admin = BrokerAdmin.connect("test");
                    RbdFile file = RbdFile.open(args[0])) {
                read(file);
                succeeded += admin.mappings().size();
            } catch (IOException e) {
                System.out.println(e);
            }
        }
        System.out.println("succeeded " + succeeded);
    }

    private static void read(RbdFile file) throws IOException {
        if (file.read(ByteBuffer.allocate(4), 0) != 4) {
            throw new IOException("nothing read");
        }
    }
}
