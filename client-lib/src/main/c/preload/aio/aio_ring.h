/* The ring of completed requests that io_setup's number points to. Programs may read it in memory and never
 * call io_getevents: QEMU and Seastar do, fio where it is told to, and libaio looks there first.
 *
 *     0    4    8      12     16      20                24        28              32
 *     | id | nr | head | tail | magic | compat_features | incompat | header_length | io_event[nr]
 *               reader  writer
 *
 * The kernel writes into its ring with a tail of its own, so nobody else can add to it. But it finds a
 * context by the id that it reads at that address, and knows its ring's pages without their mapping. So
 * once images are concerned, pages of ours take the place of the kernel's, with the same header: the
 * program goes on at the same address, the kernel's calls know the same number, and io_destroy unmaps
 * them. What the kernel completes is then brought over (aio_ferry.h). Nothing but the kernel's own is there
 * before that.
 *
 * The writer is who has the engine's lock; the reader, a thread of the program, has no lock. */

#ifndef RBDW_AIO_RING_H
#define RBDW_AIO_RING_H

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aio_ring_memory;

struct aio_ring {
    struct aio_ring_memory *memory; /* our own mapping: the program may unmap its one */
    size_t length;                  /* bytes */
    int descriptor;                 /* of the memory, until it is in place */
    uint32_t entries;               /* events that it holds, and one more */
    uint32_t tail;
    uint32_t known_head;
    bool is_read_in_memory; /* the program has moved the head */
};

/* Memory for a ring in place of this context's. 0 or an error. */
int aio_ring_prepare(struct aio_ring *ring, aio_context_t id);

/* Puts it there. Where keeps_unread, it has the events that the program has not taken yet, and they are
 * taken out of the kernel's; that is right where the program reads in memory, no other thread of it at
 * this moment. taken: how many the kernel has completed in all, modulo entries, without those that are
 * left in its ring. 0 or an error. */
int aio_ring_install(struct aio_ring *ring, aio_context_t id, bool keeps_unread, uint32_t *taken);

/* Gives the memory back; the program's mapping is the kernel's to end. */
void aio_ring_end(struct aio_ring *ring);

/* Events that the program has not taken; looks whether it has moved the head. */
uint32_t aio_ring_unread(struct aio_ring *ring);

/* There is room. */
void aio_ring_put(struct aio_ring *ring, const struct io_event *event);

/* Takes so many at most; how many. */
long aio_ring_take(struct aio_ring *ring, struct io_event *events, long most);

#endif
