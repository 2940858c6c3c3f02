"""Sets and looks at the times of a file in all ways, and prints what it saw: the same for an image and a plain file.

Arguments: the file, a folder for copies.
"""
import ctypes
import errno
import os
import sys
import time

path, folder = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
NOW, OMIT = (1 << 30) - 1, (1 << 30) - 2
AT_FDCWD, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW = -100, 0x1000, 0x100
SYS_UTIMENSAT, SYS_MMAP = (280, 9) if os.uname().machine == "x86_64" else (88, 222)


class Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


def pair(*parts):
    return (Timespec * 2)(Timespec(*parts[0:2]), Timespec(*parts[2:4]))


def timevals(*parts):
    return (Timespec * 2)(Timespec(*parts[0:2]), Timespec(*parts[2:4]))


def call(name, *arguments):
    ctypes.set_errno(0)
    result = getattr(libc, name)(*arguments)
    return "ok" if result == 0 else errno.errorcode[ctypes.get_errno()]


def times():
    status = os.stat(path)
    return status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns


def show(what, *values):
    print(what, *values)


def change(what, act):
    """Whether each of mtime and ctime is newer after it, and what it gave."""
    before = times()
    given = act()
    after = times()
    show(what, given, after[1] > before[1], after[2] > before[2], after[1] == after[2])


def setting(what, act):
    """The times that were set, and whether ctime is newer."""
    before = times()
    given = act()
    after = times()
    show(what, given, after[0] if after[0] != before[0] else "kept",
         after[1] if after[1] != before[1] else "kept", after[2] > before[2])


encoded = path.encode()
fd = os.open(path, os.O_RDWR)
block = os.pread(fd, 4096, 0)
change("pwrite", lambda: os.pwrite(fd, block, 0))
change("write", lambda: os.write(fd, block))
change("writev", lambda: os.writev(fd, [block[:10], block[10:100]]))
change("pwritev", lambda: os.pwritev(fd, [block[:10]], 4096))
change("write of nothing", lambda: os.write(fd, b""))
change("punch", lambda: call("fallocate", fd, 3, ctypes.c_long(65536), ctypes.c_long(65536)))
change("zero range", lambda: call("fallocate", fd, 17, ctypes.c_long(131072), ctypes.c_long(65536)))
change("read", lambda: len(os.pread(fd, 100, 0)))
change("fsync", lambda: os.fsync(fd))
change("append", lambda: os.close(os.open(path, os.O_WRONLY | os.O_APPEND)))

seen = set()
for i in range(300):  # each is told from the one before, however soon it comes
    os.pwrite(fd, block[:1], i)
    seen.add(os.fstat(fd).st_mtime_ns)
show("distinct", len(seen))

stamp = os.path.join(folder, "stamp")
for i in range(20):
    os.pwrite(fd, block[:1], 0)
    with open(stamp, "w"):
        pass
    os.utime(stamp)
    if os.stat(path).st_mtime_ns > os.stat(stamp).st_mtime_ns:
        show("what was written before is newer than the stamp", i)
    time.sleep(0.012)  # the clock of files goes on
    os.pwrite(fd, block[:1], 0)
    if os.stat(path).st_mtime_ns <= os.stat(stamp).st_mtime_ns:
        show("what was written afterwards is not newer than the stamp", i)
    os.unlink(stamp)

setting("utime", lambda: os.utime(path, ns=(1234567890123456789, 1111111111000000001)))
setting("utime by fd", lambda: os.utime(fd, ns=(1000000000000000000, 2000000000000000001)))
setting("before 1970", lambda: os.utime(path, ns=(-1500000000, -1)))
setting("omit both", lambda: call("utimensat", AT_FDCWD, encoded, pair(1, OMIT, 1, OMIT), 0))
setting("omit both of nothing", lambda: call("utimensat", AT_FDCWD, encoded + b"-none", pair(1, OMIT, 1, OMIT), 0))
setting("omit accessed", lambda: call("futimens", fd, pair(7, OMIT, 5, 6)))
setting("omit modified", lambda: call("futimens", fd, pair(8, 9, 0, OMIT)))
setting("invalid", lambda: call("futimens", fd, pair(8, 1000000000, 0, 0)))
setting("invalid", lambda: call("utimensat", AT_FDCWD, encoded, pair(8, 0, 0, -1), 0))
setting("invalid flags", lambda: call("utimensat", AT_FDCWD, encoded, None, 1))
setting("missing", lambda: call("utimensat", AT_FDCWD, encoded + b"-none", None, 0))
setting("not a folder", lambda: call("utimensat", AT_FDCWD, encoded + b"/", None, 0))
setting("invalid of missing", lambda: call("utimensat", AT_FDCWD, encoded + b"-none", pair(8, -1, 0, 0), 0))
setting("no path", lambda: call("utimensat", fd, None, pair(21, 0, 22, 0), 0))
setting("empty path", lambda: call("utimensat", fd, b"", pair(21, 0, 22, 0), 0))
setting("by descriptor", lambda: call("utimensat", fd, b"", pair(31, 0, 32, 0), AT_EMPTY_PATH))
setting("by number", lambda: call("syscall", ctypes.c_long(SYS_UTIMENSAT), AT_FDCWD, encoded, pair(41, 0, 42, 7), 0))
setting("by number and descriptor", lambda: call("syscall", ctypes.c_long(SYS_UTIMENSAT), fd, None, pair(43, 0, 44, 7), 0))
setting("utime(3)", lambda: call("utime", encoded, (ctypes.c_long * 2)(51, 52)))
setting("utimes", lambda: call("utimes", encoded, timevals(61, 999999, 62, 1)))
setting("utimes out of range", lambda: call("utimes", encoded, timevals(61, 1000000, 62, 1)))
setting("lutimes", lambda: call("lutimes", encoded, timevals(71, 0, 72, 1)))
setting("futimes", lambda: call("futimes", fd, timevals(81, 0, 82, 1)))
setting("futimesat", lambda: call("futimesat", AT_FDCWD, encoded, timevals(91, 0, 92, 1)))

link = os.path.join(folder, "link")
os.symlink(path, link)
setting("through a link", lambda: os.utime(link, ns=(101, 102)))
setting("of the link", lambda: os.utime(link, ns=(111, 112), follow_symlinks=False))
show("link", os.lstat(link).st_mtime_ns)
os.unlink(link)
setting("through /proc", lambda: os.utime("/proc/self/fd/%d" % fd, ns=(121, 122)))

change("now", lambda: os.utime(path))
show("now", all(abs(t / 1e9 - time.time()) < 10 for t in times()), len(set(times())))
os.utime(path, ns=(5, 2**62))
show("future", times()[1] == 2**62)
os.pwrite(fd, block[:1], 0)
show("and a write", abs(times()[1] / 1e9 - time.time()) < 10, times()[0])
time.sleep(0.02)  # a read at the same tick of the kernel's clock counts as one before the write
os.pread(fd, 100, 0)
show("read after that", abs(times()[0] / 1e9 - time.time()) < 10)
before = times()
time.sleep(0.02)
os.pread(fd, 100, 0)
show("read again", times() == before)
os.utime(path, (time.time() - 100000, time.time() - 200000))
show("by fd and by path", [getattr(os.stat(path), n) == getattr(os.fstat(fd), n) for n in ("st_mtime_ns", "st_ctime_ns", "st_atime_ns")])
ours = os.open(path, os.O_RDONLY)
os.utime(ours, ns=(131, 132))
show("through a reader", os.stat(path).st_mtime_ns)
os.close(ours)
os.close(fd)
show("after its close", os.stat(path).st_mtime_ns)
