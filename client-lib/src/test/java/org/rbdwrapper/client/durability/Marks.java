package org.rbdwrapper.client.durability;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a load says about itself in between: {@code b NUMBER OPERATION} before it asks for
 * something, {@code e NUMBER} when that was acknowledged. Any thread.
 */
final class Marks implements AutoCloseable {
    private final FileChannel file;
    private int count;

    Marks(Path file) throws IOException {
        this.file = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** The operation's number, from 1. */
    synchronized int begin(String operation) throws IOException {
        count++;
        put("b " + count + " " + operation);
        return count;
    }

    synchronized void end(int number) throws IOException {
        put("e " + number);
    }

    private void put(String line) throws IOException {
        file.write(ByteBuffer.wrap((line + "\n").getBytes(US_ASCII)));
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
