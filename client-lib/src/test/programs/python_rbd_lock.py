"""Another host: takes an image's exclusive lock and keeps it until its input ends. CONF POOL IMAGE"""

import ctypes
import sys

EXCLUSIVE = 0

rados = ctypes.CDLL("librados.so.2")
rbd = ctypes.CDLL("librbd.so.1")


def check(result):
    if result < 0:
        sys.exit("error %d" % result)


conf, pool, image = (argument.encode() for argument in sys.argv[1:])
cluster, pools, handle = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
check(rados.rados_create(ctypes.byref(cluster), b"admin"))
check(rados.rados_conf_read_file(cluster, conf))
check(rados.rados_conf_set(cluster, b"admin_socket", b""))
check(rados.rados_connect(cluster))
check(rados.rados_ioctx_create(cluster, pool, ctypes.byref(pools)))
check(rbd.rbd_open(pools, image, ctypes.byref(handle), None))
check(rbd.rbd_lock_acquire(handle, EXCLUSIVE))
print("locked", flush=True)
sys.stdin.read()
check(rbd.rbd_lock_release(handle))
check(rbd.rbd_close(handle))
rados.rados_ioctx_destroy(pools)
rados.rados_shutdown(cluster)
print("released", flush=True)
