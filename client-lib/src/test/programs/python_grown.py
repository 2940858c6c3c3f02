"""Sees an image that it has open grow: FILE SIZE, which it waits for, and then uses what is new."""

import os
import sys
import time

file, size = sys.argv[1], int(sys.argv[2])
fd = os.open(file, os.O_RDWR)
before = os.fstat(fd).st_size
assert os.pwrite(fd, b"x", before - 1) == 1
print("open", flush=True)
deadline = time.time() + 30
while os.fstat(fd).st_size != size:
    assert time.time() < deadline, os.fstat(fd).st_size
    time.sleep(0.02)
assert os.lseek(fd, 0, os.SEEK_END) == size
assert os.pwrite(fd, b"new", size - 3) == 3
assert os.pread(fd, 10, size - 3) == b"new"
assert os.stat(file).st_size == size
