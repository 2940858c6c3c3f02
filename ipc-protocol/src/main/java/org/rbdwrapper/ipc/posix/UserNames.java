package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.POINTER;
import static org.rbdwrapper.ipc.posix.NativeCalls.plain;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.OptionalLong;

/**
 * Numbers of users and groups, as the host's name services know them. One thread: getpwnam(3)
 * answers in memory of its own.
 */
public final class UserNames {
    // struct passwd: name 0, passwd 8, uid 16, gid 20; struct group: name 0, passwd 8, gid 16
    private static final long ID_OFFSET = 16;

    /** The number above is -1, which the kernel takes for none. */
    private static final long MAX_ID = 0xFFFF_FFFEL;

    private static final MethodHandle GETPWNAM = plain("getpwnam", returning(POINTER, POINTER));
    private static final MethodHandle GETGRNAM = plain("getgrnam", returning(POINTER, POINTER));

    private UserNames() {}

    /** Of a name or a number; empty where there is no such user. */
    public static OptionalLong uid(String text) {
        return lookUp(GETPWNAM, text);
    }

    /** Of a name or a number; empty where there is no such group. */
    public static OptionalLong gid(String text) {
        return lookUp(GETGRNAM, text);
    }

    private static OptionalLong lookUp(MethodHandle function, String text) {
        if (text.matches("\\d{1,10}")) {
            long number = Long.parseLong(text);
            return number <= MAX_ID ? OptionalLong.of(number) : OptionalLong.empty();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = (MemorySegment) function.invokeExact(arena.allocateFrom(text));
            if (entry.address() == 0) {
                return OptionalLong.empty();
            }
            return OptionalLong.of(
                    Integer.toUnsignedLong(entry.reinterpret(ID_OFFSET + 4).get(INT, ID_OFFSET)));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
