#include "read_ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fork.h"
#include "futex.h"
#include "image.h"
#include "taken.h"
#include "user_copy.h"

#define LEAST_STREAK 3
#define MOST_STREAK 96
#define LEAST_WINDOW (64 * 1024)
#define MOST_WINDOW (1024 * 1024)
#define STATE_BYTES 4096

/* What was read and not asked for yet. In memory of its own, whose pages are there once they are
 * needed. */
struct kept {
    const _Atomic uint64_t *changes; /* of the image */
    uint32_t process;                /* whose counter that is: fork_process_number */
    const void *connection;          /* by which it was had */
    bool is_refused;                 /* the broker has no counter for it */
    uint64_t changes_before;         /* the bytes were read */
    int64_t read_at_ns;
    int64_t start; /* in the image */
    int64_t end;
    int64_t used; /* up to here */
    uint32_t window; /* bytes to be read next */
    uint32_t needed; /* reads in sequence before more is read */
    char bytes[];
};

/* Asked for when it is first needed: constructors of this library have no environment yet. */
static bool is_wanted(void)
{
    const char *wanted = getenv("RBDW_READ_AHEAD");
    return wanted == NULL || strcmp(wanted, "off") != 0;
}

static void expect_next(struct read_ahead *ahead, int64_t offset)
{
    atomic_store_explicit(&ahead->next, offset, memory_order_relaxed);
}

void read_ahead_begin(struct read_ahead *ahead)
{
    atomic_store(&ahead->taken, 0);
    atomic_store(&ahead->is_off, 0);
    expect_next(ahead, -1);
    atomic_store(&ahead->streak, 0);
    ahead->kept = NULL;
}

void read_ahead_end(struct read_ahead *ahead)
{
    struct kept *kept = ahead->kept;
    if (kept != NULL) {
        if (kept->changes != NULL) {
            image_end_watch(kept->changes);
        }
        munmap(kept, STATE_BYTES + MOST_WINDOW);
        ahead->kept = NULL;
    }
}

static void forget(struct kept *kept)
{
    kept->start = kept->end = kept->used = 0;
}

/* What was kept was not used: the next time it must be surer. */
static void regret(struct kept *kept)
{
    kept->window = LEAST_WINDOW;
    kept->needed = 2 * kept->needed < MOST_STREAK ? 2 * kept->needed : MOST_STREAK;
}

static bool is_as_it_was(const struct kept *kept)
{
    return atomic_load_explicit(kept->changes, memory_order_acquire) == kept->changes_before;
}

/* Of this process, with a counter; false where it cannot be had. */
static bool prepare(struct read_ahead *ahead, rbdw_file *image)
{
    struct kept *kept = ahead->kept;
    if (kept == NULL) {
        if (!is_wanted()) {
            atomic_store(&ahead->is_off, 1);
            return false;
        }
        kept = mmap(NULL, STATE_BYTES + MOST_WINDOW, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (kept == MAP_FAILED) {
            return false;
        }
        kept->window = LEAST_WINDOW;
        kept->needed = LEAST_STREAK;
        ahead->kept = kept;
    }
    uint32_t process = atomic_load_explicit(fork_process_number, memory_order_relaxed);
    if (kept->process != process || kept->connection != image_connection(image)) {
        /* a child opens the image anew, and so does who has another broker: the counter is another */
        const _Atomic uint64_t *changes = kept->changes;
        kept->changes = NULL;
        forget(kept);
        if (changes != NULL) {
            image_end_watch(changes);
        }
        kept->is_refused = image_watch(image, &kept->changes) < 0;
        kept->connection = image_connection(image);
        kept->process = atomic_load_explicit(fork_process_number, memory_order_relaxed);
    }
    return !kept->is_refused;
}

/* Whether what is kept answers the read: all of it, or all up to the image's end. */
static bool has(struct kept *kept, size_t count, int64_t offset)
{
    if (offset < kept->start || offset + (int64_t) count > kept->end) {
        return false;
    }
    if (!is_as_it_was(kept)) {
        forget(kept);
        regret(kept);
        return false;
    }
    return futex_now_ns() - kept->read_at_ns < READ_AHEAD_KEPT_NS;
}

static int64_t fill(struct kept *kept, rbdw_file *image, int64_t offset, int64_t left)
{
    if (kept->used == kept->end && kept->end > kept->start) {
        kept->needed = LEAST_STREAK;
        kept->window = 2 * kept->window < MOST_WINDOW ? 2 * kept->window : MOST_WINDOW;
    }
    size_t length = left < (int64_t) kept->window ? (size_t) left : kept->window;
    forget(kept);
    kept->read_at_ns = futex_now_ns();
    kept->changes_before = atomic_load_explicit(kept->changes, memory_order_acquire);
    atomic_thread_fence(memory_order_seq_cst); /* the counter first, then the request */
    ssize_t read = rbdw_pread(image, kept->bytes, length, offset);
    if (read > 0) {
        kept->start = kept->used = offset;
        kept->end = offset + read;
    }
    return read;
}

static int64_t read_taken(struct read_ahead *ahead, rbdw_file *image, void *buffer, size_t count,
                          int64_t offset, int64_t left)
{
    struct kept *kept = ahead->kept;
    bool in_sequence = offset == atomic_load_explicit(&ahead->next, memory_order_relaxed);
    expect_next(ahead, offset + (int64_t) count);
    if (!in_sequence) {
        atomic_store_explicit(&ahead->streak, 0, memory_order_relaxed);
        if (kept != NULL && kept->end - kept->used > (kept->end - kept->start) / 2) {
            forget(kept);
            regret(kept);
        }
        return READ_AHEAD_NOT_SERVED;
    }
    uint32_t streak = atomic_load_explicit(&ahead->streak, memory_order_relaxed) + 1;
    atomic_store_explicit(&ahead->streak, streak, memory_order_relaxed);
    if (streak < (kept == NULL ? LEAST_STREAK : kept->needed) || !prepare(ahead, image)) {
        return READ_AHEAD_NOT_SERVED;
    }
    kept = ahead->kept;
    size_t given = count;
    if (!has(kept, count, offset)) {
        while (kept->window < 2 * count) {
            kept->window *= 2;
        }
        int64_t filled = fill(kept, image, offset, left);
        if (filled <= 0) {
            return filled == 0 ? 0 : READ_AHEAD_NOT_SERVED; /* the read itself is to fail */
        }
        given = filled < (int64_t) count ? (size_t) filled : count;
    }
    size_t copied = user_copy(buffer, kept->bytes + (offset - kept->start), given);
    if (copied < given) {
        expect_next(ahead, -1);
        return copied == 0 ? -EFAULT : (int64_t) copied;
    }
    kept->used = offset + (int64_t) given;
    expect_next(ahead, kept->used);
    return (int64_t) given;
}

/* A read was left midway: what it may have kept is not what it says. */
static void begin_anew(struct taken *taken)
{
    struct read_ahead *ahead = taken->of;
    if (atomic_load(&ahead->taken) == taken->token) {
        if (ahead->kept != NULL) {
            forget(ahead->kept);
            ahead->kept->process = 0; /* it may have lost the counter */
        }
        expect_next(ahead, -1);
        atomic_store_explicit(&ahead->streak, 0, memory_order_relaxed);
        atomic_store_explicit(&ahead->taken, 0, memory_order_release);
    }
}

/* Of reads here and there nothing is kept but where the last one ended: no reason to take the state. */
static bool is_elsewhere(struct read_ahead *ahead, size_t count, int64_t offset)
{
    if (atomic_load_explicit(&ahead->streak, memory_order_relaxed) > 0
        || atomic_load_explicit(&ahead->next, memory_order_relaxed) == offset) {
        return false;
    }
    expect_next(ahead, offset + (int64_t) count);
    return true;
}

int64_t read_ahead_read(struct read_ahead *ahead, rbdw_file *image, void *buffer, size_t count,
                        int64_t offset, int64_t left)
{
    if (count == 0 || count > READ_AHEAD_MAX_REQUEST
        || atomic_load_explicit(&ahead->is_off, memory_order_relaxed) != 0
        || atomic_load_explicit(&ahead->taken, memory_order_relaxed) != 0
        || is_elsewhere(ahead, count, offset)) {
        return READ_AHEAD_NOT_SERVED;
    }
    struct taken_mark mark;
    struct taken *taken = taken_push(&mark, TAKEN_TRANSFER, begin_anew, ahead);
    int64_t result = READ_AHEAD_NOT_SERVED;
    uint32_t nobody = 0;
    if (taken != NULL && atomic_compare_exchange_strong(&ahead->taken, &nobody, taken->token)) {
        result = read_taken(ahead, image, buffer, count, offset, left);
        atomic_store_explicit(&ahead->taken, 0, memory_order_release);
    }
    taken_pop(taken);
    return result;
}
