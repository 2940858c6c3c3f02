#include "taken.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "held.h"
#include "system_call.h"

#define NOTES_BYTES 4096
#define MAX_NOTES 48
#define INDEX_BITS 6

/* The stack that a thread was born with. */
struct stack {
    uintptr_t low;
    uintptr_t high; /* 0: not looked up yet */
};

struct notes {
    uint32_t count;
    uint32_t number; /* of the thread */
    uint32_t uncancelled_from; /* the first note, from 1 on, for which cancellation is disabled; 0: none */
    uint64_t pushes;
    struct stack stack;
    struct taken taken[MAX_NOTES];
};

_Static_assert(sizeof(struct notes) <= NOTES_BYTES, "a page");
_Static_assert(MAX_NOTES < 1 << INDEX_BITS, "an index in a token");

static __thread struct notes *notes __attribute__((tls_model("initial-exec")));
static _Atomic uint32_t threads_seen;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

/* Of one that was popped before what lies above it. */
static void popped(struct taken *taken)
{
    (void) taken;
}

/* NULL: somebody below us on the stack is about to fill it in. */
static bool is_valid(const struct taken *taken)
{
    return taken->give_back != NULL && taken->give_back != popped;
}

/* The first of a call that is under way, or was left. */
static bool is_head(const struct taken *taken)
{
    return taken->mark != NULL && taken->give_back != popped;
}

/* As far as what the thread has allows it. A handler may have done this for us, or may leave us in it: then the next
 * call does, or the jump. */
static void let_cancel(void)
{
    if (__builtin_expect(notes->uncancelled_from > notes->count, false)) {
        notes->uncancelled_from = 0;
        held_end_uncancelled();
    }
    if (notes->count == 0) {
        held_end_deferred();
    }
}

/* What was popped last, or given back. */
static void trim(uint32_t count)
{
    while (count > 0 && notes->taken[count - 1].give_back == popped) {
        count--;
        notes->taken[count].mark = NULL;
    }
    atomic_signal_fence(memory_order_seq_cst);
    notes->count = count;
    atomic_signal_fence(memory_order_seq_cst);
    let_cancel();
}

/* Gives back what the call has that begins here, and not what another has that came later: that one may be
 * under way. */
static void drop_call(uint32_t first)
{
    uint32_t end = first + 1;
    while (end < notes->count && !is_head(&notes->taken[end])) {
        end++;
    }
    while (end-- > first) {
        struct taken *last = &notes->taken[end];
        if (is_valid(last)) {
            last->give_back(last);
        }
        last->give_back = popped;
    }
}

/* At a thread's end. */
static void give_all_back(void *of_thread)
{
    struct notes *ending = of_thread;
    if (notes != ending) {
        return;
    }
    if (ending->count > 0) {
        for (uint32_t i = ending->count; i > 0; i--) {
            drop_call(i - 1);
        }
        trim(ending->count);
    }
    notes = NULL;
    munmap(ending, NOTES_BYTES);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, give_all_back) == 0;
}

/* While a library is loaded: it takes a lock, which a handler must not find taken. */
__attribute__((constructor)) static void begin(void)
{
    pthread_once(&once, make_key);
}

static struct notes *make_notes(void)
{
    struct notes *made =
        mmap(NULL, NOTES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) {
        return NULL;
    }
    made->number = atomic_fetch_add(&threads_seen, 1) + 1;
    struct notes *before = NULL;
    /* a handler may have made some meanwhile */
    if (!__atomic_compare_exchange_n(&notes, &before, made, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)) {
        munmap(made, NOTES_BYTES);
        return before;
    }
    if (has_key) {
        pthread_setspecific(key, made);
    }
    return made;
}

/* Finds the mapping that has this address. */
static bool find_mapping(uintptr_t address, struct stack *found)
{
    char bytes[1024];
    int fd = (int) system_call(SYS_openat, AT_FDCWD, (long) "/proc/self/maps",
                                O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0) {
        return false;
    }
    uintptr_t bounds[2] = {0, 0};
    unsigned field = 0; /* 0, 1: the bounds; 2: the rest of the line */
    bool is_found = false;
    long length;
    while (!is_found && (length = system_call(SYS_read, fd, (long) bytes, sizeof bytes, 0, 0, 0)) > 0) {
        for (long i = 0; i < length && !is_found; i++) {
            char c = bytes[i];
            if (c == '\n') {
                field = 0;
                bounds[0] = bounds[1] = 0;
            } else if (field < 2 && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
                bounds[field] = bounds[field] << 4 | (uintptr_t) (c <= '9' ? c - '0' : c - 'a' + 10);
            } else if (field < 2) {
                field++;
                is_found = field == 2 && address >= bounds[0] && address < bounds[1];
            }
        }
    }
    system_call(SYS_close, fd, 0, 0, 0, 0, 0);
    *found = (struct stack) {bounds[0], bounds[1]};
    return is_found;
}

/* Whether the address is on the stack that this thread was born with. */
static bool is_on_own_stack(uintptr_t address)
{
    struct stack *own = &notes->stack;
    if (address >= own->low && address < own->high) {
        return true;
    }
    /* the main thread's grows; at its upper end are the bytes that the kernel gave the program */
    bool is_main = system_call(SYS_gettid, 0, 0, 0, 0, 0, 0) == getpid();
    if (own->high == 0 || is_main) {
        uintptr_t within = is_main ? getauxval(AT_RANDOM) : (uintptr_t) pthread_self();
        struct stack found;
        if (find_mapping(within, &found)) {
            *own = found;
        }
    }
    return address >= own->low && address < own->high;
}

static bool is_on_signal_stack(void)
{
    stack_t now;
    return sigaltstack(NULL, &now) < 0 || (now.ss_flags & SS_ONSTACK) != 0;
}

/* Whether the frame with this mark is gone, where the thread is at this place of its own stack, or at none. */
static bool is_gone(const struct taken *taken, uintptr_t place)
{
    uintptr_t mark = (uintptr_t) taken->mark;
    return is_on_own_stack(mark)
           && (mark < place || *(volatile uint64_t *) mark != taken->value);
}

static void give_back_gone(uintptr_t place)
{
    uint32_t count = notes->count;
    for (uint32_t i = count; i > 0; i--) {
        if (is_head(&notes->taken[i - 1]) && is_gone(&notes->taken[i - 1], place)) {
            drop_call(i - 1);
        }
    }
    trim(count);
}

bool taken_any(void)
{
    return notes != NULL && notes->count > 0;
}

void taken_give_back_left(void)
{
    if (taken_any()) {
        uintptr_t here = (uintptr_t) __builtin_frame_address(0);
        give_back_gone(!is_on_signal_stack() && is_on_own_stack(here) ? here : 0);
    }
}

void taken_before_jump(uintptr_t target)
{
    if (taken_any() && is_on_own_stack(target)) {
        give_back_gone(target);
    } else if (notes != NULL) {
        let_cancel();
    }
}

/* Two calls that are under way cannot have their marks at one place. */
static void give_back_below(const struct taken_mark *mark)
{
    for (uint32_t i = 0; i < notes->count; i++) {
        if (is_head(&notes->taken[i]) && notes->taken[i].mark == mark) {
            drop_call(i);
            trim(notes->count);
            return;
        }
    }
}

static bool has_no_point(enum taken_kind kind)
{
    return kind == TAKEN_TRANSFER || kind == TAKEN_CHANNEL;
}

struct taken *taken_push(struct taken_mark *mark, enum taken_kind kind,
                         void (*give_back)(struct taken *taken), void *of)
{
    if (notes == NULL && make_notes() == NULL) {
        return NULL;
    }
    if (notes->count > 0 && mark != NULL) {
        give_back_below(mark);
    }
    if (notes->count == MAX_NOTES) {
        taken_give_back_left();
        if (notes->count == MAX_NOTES) {
            return NULL;
        }
    }
    /* a handler on top of us uses what lies above the count, and leaves it as it was */
    uint32_t index = notes->count;
    struct taken *taken = &notes->taken[index];
    taken->give_back = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    notes->count = index + 1;
    atomic_signal_fence(memory_order_seq_cst);
    /* also where a call below us has done so: we may be a handler that has interrupted it just before */
    held_begin_deferred();
    if (!has_no_point(kind)) {
        if (notes->uncancelled_from == 0 || notes->uncancelled_from > index) {
            notes->uncancelled_from = index + 1;
        }
        held_begin_uncancelled();
    }
    taken->token = notes->number << INDEX_BITS | (index + 1);
    taken->kind = kind;
    taken->of = of;
    taken->also = NULL;
    taken->from = taken->to = 0;
    taken->mark = mark;
    taken->value = ++notes->pushes * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t) mark;
    if (mark != NULL) {
        *(volatile uint64_t *) &mark->value = taken->value;
    }
    atomic_signal_fence(memory_order_seq_cst);
    taken->give_back = give_back;
    atomic_signal_fence(memory_order_seq_cst);
    return taken;
}

static void nothing(struct taken *taken)
{
    (void) taken;
}

struct taken *taken_enter(struct taken_mark *mark, enum taken_kind kind)
{
    return taken_push(mark, kind, nothing, NULL);
}

void taken_pop(struct taken *taken)
{
    if (taken == NULL) {
        return;
    }
    atomic_signal_fence(memory_order_seq_cst);
    taken->give_back = popped;
    atomic_signal_fence(memory_order_seq_cst);
    if (taken == &notes->taken[notes->count - 1]) {
        trim(notes->count);
    }
}

struct taken *taken_find(void (*give_back)(struct taken *taken), const void *of)
{
    for (uint32_t i = notes == NULL ? 0 : notes->count; i > 0; i--) {
        struct taken *taken = &notes->taken[i - 1];
        if (taken->give_back == give_back && taken->of == of) {
            return taken;
        }
    }
    return NULL;
}

bool taken_has(enum taken_kind kind, const void *also)
{
    for (uint32_t i = 0; notes != NULL && i < notes->count; i++) {
        const struct taken *taken = &notes->taken[i];
        if (is_valid(taken) && taken->kind == (uint32_t) kind && taken->also == also) {
            return true;
        }
    }
    return false;
}

uint32_t taken_count(enum taken_kind kind)
{
    uint32_t found = 0;
    for (uint32_t i = 0; notes != NULL && i < notes->count; i++) {
        found += is_valid(&notes->taken[i]) && notes->taken[i].kind == (uint32_t) kind;
    }
    return found;
}
