package org.rbdwrapper.broker.fuzz;

import java.util.Arrays;

/** Reads a fuzzer's input from its front; where it ends, zeroes follow. One thread. */
public final class FuzzInput {
    private final byte[] data;
    private int at;

    public FuzzInput(byte[] data) {
        this.data = data;
    }

    public boolean hasMore() {
        return at < data.length;
    }

    /** 0 to 255. */
    public int u8() {
        return at < data.length ? data[at++] & 0xff : 0;
    }

    /** 0 to 65,535, little endian as all numbers. */
    public int u16() {
        return u8() | u8() << 8;
    }

    public int i32() {
        return u16() | u16() << 16;
    }

    public long i64() {
        return Integer.toUnsignedLong(i32()) | (long) i32() << 32;
    }

    /** Mostly one of few bytes, so that a fuzzer finds small ones soon. */
    public long number() {
        int kind = u8();
        return switch (kind % 4) {
            case 0 -> kind >> 2;
            case 1 -> (long) u16() << (kind >> 5);
            case 2 -> i32();
            default -> i64();
        };
    }

    /** So many bytes. */
    public byte[] bytes(int length) {
        byte[] bytes = Arrays.copyOfRange(data, Math.min(at, data.length), at + length);
        at += Math.min(length, data.length - at);
        return bytes;
    }

    /** No more than so many bytes, and no more than there are. */
    public byte[] someBytes(int limit) {
        return bytes(Math.min(limit, data.length - at));
    }
}
