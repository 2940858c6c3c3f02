package org.rbdwrapper.ipc.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

final class PosixTest {
    private static final long LENGTH = 64 * 1024;

    @TempDir Path temporary;

    @Test
    void shouldShareSealedMemoryAndDescriptorsOverSocket() throws Exception {
        String path = temporary.resolve("s").toString();
        int listener = UnixSocket.listen(path, 1);
        assertEquals(-1, UnixSocket.accept(listener));
        int client = UnixSocket.connect(path);
        int server = UnixSocket.accept(listener);
        assertEquals(ProcessHandle.current().pid(), UnixSocket.peer(server).pid());
        assertEquals(ProcessIdentity.uid(), UnixSocket.peer(server).uid());
        assertTrue(UnixSocket.peerGroups(server).contains(ProcessIdentity.gid()));

        int memory = SharedMemory.createSealed("test", LENGTH);
        long address = SharedMemory.map(memory, LENGTH);
        new UnsafeBuffer(address, (int) LENGTH).putLong(8, 42);
        int[] received = new int[2];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom("hello");
            assertEquals(6, UnixSocket.sendWithDescriptors(server, bytes, memory));
            MemorySegment into = arena.allocate(100);
            assertEquals(6, UnixSocket.receiveWithDescriptors(client, into, received));
            assertEquals("hello", into.getString(0));
            assertEquals(-Errno.EAGAIN.number(), UnixSocket.receive(client, into, false));
        }
        assertEquals(-1, received[1]);
        SharedMemory.checkSealed(received[0], LENGTH);
        assertThrows(ErrnoException.class, () -> SharedMemory.checkSealed(received[0], LENGTH * 2));
        assertEquals(
                -Errno.EPERM.number(), Fd.ftruncate(received[0], 0), "its size cannot be changed");
        long other = SharedMemory.map(received[0], LENGTH);
        assertEquals(42, new UnsafeBuffer(other, (int) LENGTH).getLong(8));

        assertFalse(UnixSocket.awaitHangup(client, 0));
        Fd.close(server);
        assertTrue(UnixSocket.awaitHangup(client, 10_000));
        SharedMemory.unmap(address, LENGTH);
        SharedMemory.unmap(other, LENGTH);
        for (int fd : new int[] {memory, received[0], client, listener}) {
            Fd.close(fd);
        }
    }

    @Test
    void shouldWakeWhoWaitsForWord() throws Exception {
        long address = SharedMemory.mapAnonymous(4096);
        UnsafeBuffer word = new UnsafeBuffer(address, 4);
        word.putIntVolatile(0, 1);
        Thread waiter =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    while (word.getIntVolatile(0) == 1) {
                                        Futex.await(address, 1, 0);
                                    }
                                });
        while (waiter.isAlive() && waiter.getState() == Thread.State.NEW) {
            Thread.onSpinWait();
        }
        word.putIntVolatile(0, 0);
        Futex.wake(address, 1);
        waiter.join(20_000);
        assertFalse(waiter.isAlive());
        // returns at once where the word has another value, and after the time where nobody wakes
        Futex.await(address, 7, 0);
        Futex.await(address, 0, 1_000_000);
        SharedMemory.unmap(address, 4096);
    }

    @Test
    void shouldSeeEachRingOfDoorbellThatNobodyReads() throws Exception {
        int doorbell = EventFd.create();
        try (Epoll epoll = new Epoll()) {
            epoll.add(doorbell, Epoll.IN | Epoll.EDGE, 77);
            for (int i = 0; i < 3; i++) {
                assertEquals(0, epoll.await(0));
                EventFd.ring(doorbell);
                assertEquals(1, epoll.await(10_000));
                assertEquals(77, epoll.token(0));
            }
            epoll.remove(doorbell);
            EventFd.ring(doorbell);
            assertEquals(0, epoll.await(0));
        }
        Fd.close(doorbell);
    }

    @Test
    void shouldKeepErrnoOfFiles() throws Exception {
        ErrnoException missing =
                assertThrows(
                        ErrnoException.class,
                        () -> Fd.open(temporary.resolve("missing").toString(), Fd.O_RDONLY, 0));
        assertEquals(Errno.ENOENT, missing.errno());
        int fd = Fd.open(temporary.resolve("data").toString(), Fd.O_RDWR | Fd.O_CREAT, 0600);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom("abc");
            assertEquals(3, Fd.pwrite(fd, bytes.address(), 3, 10));
            assertEquals(0, Fd.fdatasync(fd));
            assertEquals(13, Files.size(temporary.resolve("data")));
            assertEquals(3, Fd.pread(fd, bytes.address(), 3, 10));
            assertEquals(0, Fd.pread(fd, bytes.address(), 3, 13));
            assertEquals(-Errno.EINVAL.number(), Fd.pread(fd, bytes.address(), 3, -1));
        }
        Fd.close(fd);
        assertEquals(-Errno.EBADF.number(), Fd.fdatasync(fd));
    }

    @Test
    void shouldRefusePathThatIsTooLongForSocket() {
        ErrnoException tooLong =
                assertThrows(ErrnoException.class, () -> UnixSocket.connect("/" + "x".repeat(107)));
        assertEquals(Errno.ENAMETOOLONG, tooLong.errno());
    }
}
