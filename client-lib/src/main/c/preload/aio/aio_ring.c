#include "aio_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "real.h"
#include "user_copy.h"

#define MAGIC 0xa10a10a1

struct aio_ring_memory {
    uint32_t id;
    uint32_t nr;
    _Atomic uint32_t head;
    _Atomic uint32_t tail;
    uint32_t magic;
    uint32_t compat_features;
    uint32_t incompat_features;
    uint32_t header_length;
    struct io_event events[];
};

static struct aio_ring_memory *programs(aio_context_t id)
{
    return (struct aio_ring_memory *) (uintptr_t) id;
}

static uint32_t distance(const struct aio_ring *ring, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + ring->entries - from;
}

int aio_ring_prepare(struct aio_ring *ring, aio_context_t id)
{
    const struct aio_ring_memory *former = programs(id);
    if (REAL(syscall)(SYS_io_submit, id, 0L, NULL) < 0) { /* it looks there, too, and without a crash */
        return -errno;
    }
    uint64_t length = sizeof *former + (uint64_t) former->nr * sizeof former->events[0];
    if (former->magic != MAGIC || former->header_length != sizeof *former || former->nr < 2
        || length % (uint64_t) sysconf(_SC_PAGESIZE) != 0) {
        return -ENOSYS; /* no kernel has made this */
    }
    long made = REAL(syscall)(SYS_memfd_create, "rbdwrapper-aio", 1U /* MFD_CLOEXEC */);
    if (made < 0) {
        return -errno;
    }
    ring->descriptor = descriptor_keep((int) made);
    ring->memory = NULL;
    ring->length = length;
    ring->entries = former->nr;
    ring->is_read_in_memory = false;
    long mapped = REAL(syscall)(SYS_ftruncate, ring->descriptor, length);
    if (mapped == 0) {
        mapped = REAL(syscall)(SYS_mmap, NULL, length, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_POPULATE, ring->descriptor, 0L);
    }
    if (mapped == -1) {
        int error = -errno;
        aio_ring_end(ring);
        return error;
    }
    ring->memory = (struct aio_ring_memory *) mapped;
    REAL(syscall)(SYS_madvise, ring->memory, length, MADV_DONTFORK); /* a child has no context */
    return 0;
}

/* They are in the kernel's ring until it is asked for them, which must not be twice. */
static void take_from_kernel(aio_context_t id, uint32_t count)
{
    struct io_event events[32];
    struct timespec now = {0, 0};
    while (count > 0) {
        long most = count < 32 ? count : 32;
        long came = REAL(io_getevents)(id, 0, most, events, &now);
        if (came <= 0) {
            return;
        }
        count -= (uint32_t) came;
    }
}

int aio_ring_install(struct aio_ring *ring, aio_context_t id, bool keeps_unread, uint32_t *taken)
{
    struct aio_ring_memory *former = programs(id);
    struct aio_ring_memory *memory = ring->memory;
    uint32_t tail = atomic_load_explicit(&former->tail, memory_order_acquire) % ring->entries;
    uint32_t head = atomic_load_explicit(&former->head, memory_order_relaxed) % ring->entries;
    memcpy(memory, former, sizeof *memory);
    for (uint32_t i = head; keeps_unread && i != tail; i = (i + 1) % ring->entries) {
        memory->events[i] = former->events[i];
    }
    atomic_store(&memory->tail, tail);
    atomic_store(&memory->head, keeps_unread ? head : tail);
    ring->tail = tail;
    ring->known_head = keeps_unread ? head : tail;
    *taken = keeps_unread ? tail : head;
    /* It replaces the kernel's at once: a thread that looks there meanwhile sees the one or the other. */
    long placed = REAL(syscall)(SYS_mmap, id, ring->length, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_FIXED | MAP_POPULATE, ring->descriptor, 0L);
    if (placed == -1) {
        return -errno;
    }
    descriptor_drop(ring->descriptor);
    ring->descriptor = -1;
    if (keeps_unread) {
        take_from_kernel(id, distance(ring, head, tail));
    }
    return 0;
}

void aio_ring_end(struct aio_ring *ring)
{
    if (ring->descriptor > 0) {
        descriptor_drop(ring->descriptor);
        ring->descriptor = -1;
    }
    if (ring->memory != NULL) {
        REAL(syscall)(SYS_munmap, ring->memory, ring->length);
        ring->memory = NULL;
    }
}

uint32_t aio_ring_unread(struct aio_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->memory->head, memory_order_acquire) % ring->entries;
    if (head != ring->known_head) {
        ring->known_head = head;
        ring->is_read_in_memory = true;
    }
    return distance(ring, head, ring->tail);
}

void aio_ring_put(struct aio_ring *ring, const struct io_event *event)
{
    ring->memory->events[ring->tail] = *event;
    ring->tail = (ring->tail + 1) % ring->entries;
    atomic_store_explicit(&ring->memory->tail, ring->tail, memory_order_release);
}

long aio_ring_take(struct aio_ring *ring, struct io_event *events, long most)
{
    long count = aio_ring_unread(ring);
    uint32_t head = ring->known_head;
    count = count < most ? count : most;
    for (long i = 0; i < count; i++) {
        if (user_copy_all(&events[i], &ring->memory->events[head], sizeof *events) < 0) {
            count = i > 0 ? i : -EFAULT; /* those that found no room stay */
            break;
        }
        head = (head + 1) % ring->entries;
    }
    if (count > 0) {
        ring->known_head = head;
        atomic_store_explicit(&ring->memory->head, head, memory_order_release);
    }
    return count;
}
