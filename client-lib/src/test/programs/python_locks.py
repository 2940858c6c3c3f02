"""Locks parts of a file from several processes, and prints who got what: the same for an image and a
plain file. Argument: the file.
"""
import fcntl
import os
import signal
import struct
import sys
import time

path = sys.argv[1]
LAYOUT = "hhqqi4x"  # struct flock


def attempt(f, command, kind, start, length):
    try:
        lock = struct.pack(LAYOUT, kind, os.SEEK_SET, start, length, 0)
        return struct.unpack(LAYOUT, fcntl.fcntl(f, command, lock))[0]
    except OSError as e:
        return e.strerror


def in_child(body):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        body()
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]


f = open(path, "r+b")
print("mine", attempt(f, fcntl.F_SETLK, fcntl.F_WRLCK, 50, 100))


def contend():
    g = open(path, "r+b")
    print("taken", attempt(g, fcntl.F_SETLK, fcntl.F_WRLCK, 60, 10))
    print("taken for reading", attempt(g, fcntl.F_SETLK, fcntl.F_RDLCK, 149, 10))
    print("beside it", attempt(g, fcntl.F_SETLK, fcntl.F_WRLCK, 150, 10))
    lock = struct.pack(LAYOUT, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, start, length, holder = struct.unpack(LAYOUT, fcntl.fcntl(g, fcntl.F_GETLK, lock))
    print("told", kind, start, length, holder == os.getppid())
    print("inherited", attempt(f, fcntl.F_SETLK, fcntl.F_WRLCK, 60, 10))


in_child(contend)
open(path, "rb").close()  # by this a process loses its record locks


def after_close():
    print("free", attempt(open(path, "r+b"), fcntl.F_SETLK, fcntl.F_WRLCK, 60, 10))


in_child(after_close)

print("of a description", attempt(f, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, 0, 10))
g = open(path, "r+b")
print("of another", attempt(g, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, 5, 10))
print("shared by a child", in_child(lambda: print(attempt(f, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, 5, 2))))
f.close()
print("ended with it", attempt(g, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, 5, 10))
g.close()

reader = open(path, "rb")
print("read only", attempt(reader, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 1))
print("read only", attempt(reader, fcntl.F_SETLK, fcntl.F_RDLCK, 0, 1))
print("nonsense", attempt(reader, fcntl.F_SETLK, 77, 0, 1), attempt(reader, fcntl.F_SETLK, 0, -1, 1))

reader.close()

# a holder that is killed
ready, tell = os.pipe()
child = os.fork()
if child == 0:
    h = open(path, "r+b")
    fcntl.flock(h, fcntl.LOCK_EX)
    attempt(h, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 0)
    os.write(tell, b"x")
    time.sleep(60)
os.read(ready, 1)
h = open(path, "r+b")
print("held", attempt(h, fcntl.F_SETLK, fcntl.F_WRLCK, 9, 9))
try:
    fcntl.flock(h, fcntl.LOCK_SH | fcntl.LOCK_NB)
except OSError as e:
    print("held", e.strerror)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
print("let go", attempt(h, fcntl.F_SETLK, fcntl.F_WRLCK, 9, 9))
fcntl.flock(h, fcntl.LOCK_SH | fcntl.LOCK_NB)
fcntl.lockf(h, fcntl.LOCK_UN)
