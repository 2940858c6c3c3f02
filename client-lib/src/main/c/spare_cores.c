#include "spare_cores.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu_quota.h"
#include "descriptor.h"
#include "held.h"

#define LOOK_EVERY_NS INT64_C(50000000)
#define LEAST_SAMPLE_NS INT64_C(40000000) /* the kernel counts in units of 10 ms */
#define LONGEST_SAMPLE_NS INT64_C(200000000)
#define FIRST_PAUSE_NS INT64_C(200000000)
#define LONGEST_PAUSE_NS INT64_C(10000000000)
#define SECOND_NS INT64_C(1000000000)
#define QUIET_SHARE 20 /* of the time in which some task waits for a core: fewer are the kernel's own */
#define NOT_OPENED (-1)
#define NOT_READABLE (-2)

/* The beginning of a file of the kernel's. */
struct kernel_text {
    const char *path;
    _Atomic int descriptor;
};

/* What a counter of the kernel's said, and when; of whoever has the sample. */
struct sample {
    _Atomic int64_t at_ns; /* 0: never */
    _Atomic uint64_t count;
};

static struct kernel_text pressure = {"/proc/pressure/cpu", NOT_OPENED};
static struct kernel_text statistics = {"/proc/stat", NOT_OPENED};
static struct sample waited;
static struct sample idle;
static _Atomic int64_t next_look_ns; /* whoever moves it on has the sample for itself */
static _Atomic bool left;
static _Atomic bool has_pressure;
static _Atomic int64_t pause_ns; /* of whoever has the sample */

bool spare_cores_wanted(void)
{
    const char *spin = getenv("RBDW_SPIN");
    cpu_set_t cores;
    return (spin == NULL || strcmp(spin, "off") != 0)
           && sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 1
           && cpu_quota_cores() > 1;
}

static int open_text(struct kernel_text *text)
{
    int fd = atomic_load(&text->descriptor);
    if (fd != NOT_OPENED) {
        return fd;
    }
    int made = open(text->path, O_RDONLY | O_CLOEXEC);
    made = made < 0 ? NOT_READABLE : descriptor_keep(made);
    if (!atomic_compare_exchange_strong(&text->descriptor, &fd, made)) {
        if (made >= 0) {
            descriptor_drop(made);
        }
        return fd;
    }
    return made;
}

/* What begins with this word, its end a zero; false where there is no such thing. */
static bool read_text(struct kernel_text *text, const char *word, char *into, size_t size)
{
    int fd = open_text(text);
    ssize_t length = fd < 0 ? -1 : pread(fd, into, size - 1, 0);
    if (length < 0 || (size_t) length < strlen(word) || memcmp(into, word, strlen(word)) != 0) {
        return false;
    }
    into[length] = '\0';
    return true;
}

/* For how long some task has waited for a core, from "some avg10=0.00 ... total=N". */
static bool read_waited_us(uint64_t *waited_us)
{
    char text[256];
    if (!read_text(&pressure, "some ", text, sizeof text)) {
        return false;
    }
    char *line_end = strchr(text, '\n');
    if (line_end != NULL) {
        *line_end = '\0';
    }
    const char *total = strstr(text, "total=");
    if (total == NULL) {
        return false;
    }
    *waited_us = strtoull(total + strlen("total="), NULL, 10);
    return true;
}

/* Of all cores, from the first line: "cpu  user nice system idle iowait irq ...". */
static bool read_idle_ticks(uint64_t *ticks)
{
    char text[256];
    if (!read_text(&statistics, "cpu ", text, sizeof text)) {
        return false;
    }
    char *at = text + strlen("cpu ");
    *ticks = 0;
    for (int i = 0; i < 5; i++) {
        char *end;
        uint64_t number = strtoull(at, &end, 10);
        if (end == at) {
            return false;
        }
        at = end;
        if (i >= 3) {
            *ticks += number;
        }
    }
    return true;
}

/* How much more than last time, and in which time; -1 where that is too long ago to say what is now. */
static int64_t since(struct sample *sample, int64_t now_ns, uint64_t count, int64_t *elapsed_ns)
{
    int64_t before_ns = atomic_load(&sample->at_ns);
    uint64_t more = count - atomic_load(&sample->count);
    atomic_store(&sample->at_ns, now_ns);
    atomic_store(&sample->count, count);
    *elapsed_ns = now_ns - before_ns;
    bool is_of_now =
        before_ns != 0 && *elapsed_ns >= LEAST_SAMPLE_NS && *elapsed_ns <= LONGEST_SAMPLE_NS;
    return is_of_now ? (int64_t) more : -1;
}

static void pause_looking(int64_t now_ns)
{
    int64_t pause = atomic_load(&pause_ns) * 2;
    pause = pause < FIRST_PAUSE_NS ? FIRST_PAUSE_NS : pause > LONGEST_PAUSE_NS ? LONGEST_PAUSE_NS : pause;
    atomic_store(&pause_ns, pause);
    atomic_store(&left, false);
    atomic_store(&next_look_ns, now_ns + pause);
}

static void on_spare(void)
{
    atomic_store(&left, true);
    atomic_store(&pause_ns, atomic_load(&pause_ns) * 15 / 16);
}

/* Whether hardly any task has waited for a core. */
static bool is_quiet(int64_t now_ns)
{
    uint64_t waited_us;
    bool is_read = read_waited_us(&waited_us);
    atomic_store_explicit(&has_pressure, is_read, memory_order_relaxed);
    if (!is_read) {
        return false;
    }
    int64_t elapsed_ns;
    int64_t more_us = since(&waited, now_ns, waited_us, &elapsed_ns);
    return more_us >= 0 && more_us * 1000 * QUIET_SHARE <= elapsed_ns;
}

static void take_sample(int64_t now_ns)
{
    if (is_quiet(now_ns)) {
        on_spare();
        return;
    }
    uint64_t ticks;
    if (!read_idle_ticks(&ticks)) {
        pause_looking(now_ns);
        return;
    }
    int64_t elapsed_ns;
    int64_t more = since(&idle, now_ns, ticks, &elapsed_ns);
    if (more < 0) {
        return;
    }
    int64_t idle_ns = more * (SECOND_NS / sysconf(_SC_CLK_TCK));
    if (idle_ns < elapsed_ns / 4) { /* a quarter of a core is none */
        pause_looking(now_ns);
    } else {
        on_spare();
    }
}

bool spare_cores_left(int64_t now_ns)
{
    int64_t next = atomic_load_explicit(&next_look_ns, memory_order_relaxed);
    if (now_ns >= next
        && atomic_compare_exchange_strong(&next_look_ns, &next, now_ns + LOOK_EVERY_NS)) {
        held_begin(); /* it has cancellation points; and the descriptor is nobody's until it is kept */
        take_sample(now_ns);
        held_end();
    }
    return atomic_load_explicit(&left, memory_order_relaxed);
}

void spare_cores_interrupted(int64_t now_ns)
{
    /* by others that need the core, which the next look at the pressure tells; or by the host of a virtual machine */
    if (atomic_load_explicit(&has_pressure, memory_order_relaxed)) {
        atomic_store(&left, false);
        atomic_store(&next_look_ns, now_ns + LOOK_EVERY_NS);
    } else {
        pause_looking(now_ns);
    }
}
