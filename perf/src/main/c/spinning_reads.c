/*
 * Random reads of 4 KiB through librbd in this process, one at a time, by a thread that spins until the callback has set a flag: what
 * librbd gives to a program that spends a core on waiting.
 *
 *   spinning_reads CEPH_CONF USER POOL IMAGE RAMP_S SECONDS OUTPUT
 *
 * librbd's functions are found by name: its headers need not be installed.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#include "samples.h"

#define BLOCK 4096u

typedef void *handle;

static int (*rados_create)(handle *, const char *);
static int (*rados_conf_read_file)(handle, const char *);
static int (*rados_connect)(handle);
static int (*rados_ioctx_create)(handle, const char *, handle *);
static void (*rados_ioctx_destroy)(handle);
static void (*rados_shutdown)(handle);
static int (*rbd_open_read_only)(handle, const char *, handle *, const char *);
static int (*rbd_get_size)(handle, uint64_t *);
static int (*rbd_close)(handle);
static int (*rbd_aio_create_completion)(void *, void (*)(handle, void *), handle *);
static int (*rbd_aio_read)(handle, uint64_t, size_t, char *, handle);
static int64_t (*rbd_aio_get_return_value)(handle);
static void (*rbd_aio_release)(handle);

struct reader {
    handle image;
    uint64_t blocks;
    uint64_t random;
    atomic_int done;
    char buffer[BLOCK];
};

static void find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    if (found == NULL)
        errx(1, "%s", dlerror());
    memcpy(function, &found, sizeof(found));
}

static void *open_library(const char *name) {
    void *library = dlopen(name, RTLD_NOW);
    if (library == NULL)
        errx(1, "%s", dlerror());
    return library;
}

static void find_all(void) {
    void *rados = open_library("librados.so.2");
    find(rados, "rados_create", &rados_create);
    find(rados, "rados_conf_read_file", &rados_conf_read_file);
    find(rados, "rados_connect", &rados_connect);
    find(rados, "rados_ioctx_create", &rados_ioctx_create);
    find(rados, "rados_ioctx_destroy", &rados_ioctx_destroy);
    find(rados, "rados_shutdown", &rados_shutdown);
    void *rbd = open_library("librbd.so.1");
    find(rbd, "rbd_open_read_only", &rbd_open_read_only);
    find(rbd, "rbd_get_size", &rbd_get_size);
    find(rbd, "rbd_close", &rbd_close);
    find(rbd, "rbd_aio_create_completion", &rbd_aio_create_completion);
    find(rbd, "rbd_aio_read", &rbd_aio_read);
    find(rbd, "rbd_aio_get_return_value", &rbd_aio_get_return_value);
    find(rbd, "rbd_aio_release", &rbd_aio_release);
}

static void check(int result, const char *what) {
    if (result < 0)
        errx(1, "%s: %s", what, strerror(-result));
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void set_done(handle completion, void *reader) {
    (void)completion;
    atomic_store_explicit(&((struct reader *)reader)->done, 1, memory_order_release);
}

static void read_block(void *context) {
    struct reader *reader = context;
    handle completion;
    atomic_store_explicit(&reader->done, 0, memory_order_relaxed);
    check(rbd_aio_create_completion(reader, set_done, &completion), "rbd_aio_create_completion");
    uint64_t offset = next_random(&reader->random) % reader->blocks * BLOCK;
    check(rbd_aio_read(reader->image, offset, BLOCK, reader->buffer, completion), "rbd_aio_read");
    while (!atomic_load_explicit(&reader->done, memory_order_acquire))
        pause_core();
    int64_t length = rbd_aio_get_return_value(completion);
    if (length != BLOCK)
        errx(1, "a read gave %lld", (long long)length);
    rbd_aio_release(completion);
}

int main(int argc, char **argv) {
    if (argc != 8)
        errx(2, "usage: spinning_reads CEPH_CONF USER POOL IMAGE RAMP_S SECONDS OUTPUT");
    find_all();
    handle cluster;
    handle pool;
    static struct reader reader;
    uint64_t size;
    check(rados_create(&cluster, argv[2]), "rados_create");
    check(rados_conf_read_file(cluster, argv[1]), argv[1]);
    check(rados_connect(cluster), "rados_connect");
    check(rados_ioctx_create(cluster, argv[3], &pool), argv[3]);
    check(rbd_open_read_only(pool, argv[4], &reader.image, NULL), argv[4]);
    check(rbd_get_size(reader.image, &size), "rbd_get_size");
    reader.blocks = size / BLOCK;
    reader.random = now_ns() | 1;
    struct samples samples = {0};
    measure(&samples, atof(argv[5]), atof(argv[6]), read_block, &reader);
    write_samples(&samples, argv[7]);
    rbd_close(reader.image);
    rados_ioctx_destroy(pool);
    rados_shutdown(cluster);
    return 0;
}
