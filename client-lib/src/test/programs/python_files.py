"""Uses a file as Python programs do, and prints what it saw: the same for an image and a plain file.

Arguments: the file, a folder for copies.
"""
import fcntl
import hashlib
import io
import mmap
import os
import select
import shutil
import subprocess
import sys

path, folder = sys.argv[1:3]


def show(what, *values):
    print(what, *[hashlib.sha256(v).hexdigest() if isinstance(v, bytes) else v for v in values])


with open(path, "rb") as f:
    show("read", f.read(100000), f.tell(), f.seek(-5000, io.SEEK_END), f.read(), f.read(1))
    show("lines", f.seek(0), f.readline(), f.readline(), f.tell())
    show("size", os.fstat(f.fileno()).st_size, os.path.getsize(path), os.path.isfile(path), f.isatty())
    try:
        m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError:  # an image has no shared mapping
        m = mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
    show("mapped", m[:], m.find(b"ab"), len(m))
    m.close()

with open(path, "r+b") as f:
    f.seek(1234567)
    show("write", f.write(b"python" * 10000), f.tell())
    f.flush()
    os.fsync(f.fileno())
    c = mmap.mmap(f.fileno(), 8192, access=mmap.ACCESS_COPY)
    c[0:4] = b"COPY"
    show("copy", c[:])
    c.close()
    f.seek(0)
    show("unchanged", f.read(8192))
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 50)
    fcntl.lockf(f, fcntl.LOCK_UN, 100, 50)
    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)

fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
show("pread", os.pread(fd, 70000, 99), os.pwrite(fd, b"x" * 5000, 3), os.lseek(fd, 0, os.SEEK_CUR))
buffers = [bytearray(10), bytearray(50000)]
show("preadv", os.preadv(fd, buffers, 7), bytes(buffers[0]), bytes(buffers[1]))
show("pwritev", os.pwritev(fd, [b"abc", b"def" * 1000], 500000))
show("readv", os.lseek(fd, 11, os.SEEK_SET), os.readv(fd, buffers), bytes(buffers[1]))
other = os.dup(fd)
show("dup", os.read(other, 100), os.lseek(fd, 0, os.SEEK_CUR), os.get_inheritable(fd))
show("flags", fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR)
show("ready", [e for _, e in [select.select([fd], [fd], [], 1)[:2]]] and True, select.poll().poll(0))
os.close(other)

out = os.open(os.path.join(folder, "out"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
show("sendfile", os.sendfile(out, fd, 1000, 60000), os.lseek(fd, 0, os.SEEK_CUR))
os.close(out)

with open(path, "rb") as f:
    f.seek(100, os.SEEK_SET)
    os.lseek(f.fileno(), 100, os.SEEK_SET)
    for _ in range(2):
        show("stdin", subprocess.run(["head", "-c", "1000"], stdin=f, stdout=subprocess.PIPE).stdout)
    show("shared", os.lseek(f.fileno(), 0, os.SEEK_CUR))
    number = f.fileno()
    command = ["dd", "bs=4096", "count=2", "status=none", f"if=/dev/fd/{number}"]
    show("passed", subprocess.run(command, pass_fds=[number], stdout=subprocess.PIPE).stdout)

with open(path, "r+b") as f:
    subprocess.run(["echo", "by a child"], stdout=f, check=True)
reader, writer = os.pipe()
actions = [(os.POSIX_SPAWN_OPEN, 0, path, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, writer, 1)]
pid = os.posix_spawn("/usr/bin/head", ["head", "-c", "500"], os.environ, file_actions=actions)
show("spawned", os.waitpid(pid, 0)[1], os.read(reader, 1000))

shutil.copyfile(path, os.path.join(folder, "copy"))
with open(os.path.join(folder, "copy"), "rb") as a, open(path, "rb") as b:
    show("copyfile", a.read() == b.read())
shutil.copyfile(os.path.join(folder, "copy"), path)

os.closerange(3, 70000)
with open(path, "rb") as f:
    show("after closing all", f.read())
