#include "spare_cores.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "held.h"

#define LOOK_EVERY_NS INT64_C(50000000)
#define LEAST_SAMPLE_NS INT64_C(40000000) /* the kernel counts in units of 10 ms */
#define LONGEST_SAMPLE_NS INT64_C(200000000)
#define FIRST_PAUSE_NS INT64_C(200000000)
#define LONGEST_PAUSE_NS INT64_C(10000000000)
#define SECOND_NS INT64_C(1000000000)
#define NOT_OPENED (-1)
#define NOT_READABLE (-2)

static _Atomic int descriptor = NOT_OPENED;
static _Atomic int64_t next_look_ns; /* whoever moves it on has the sample for itself */
static _Atomic bool left;

/* Of whoever has the sample. */
static _Atomic int64_t sampled_ns;
static _Atomic uint64_t sampled_idle;
static _Atomic int64_t pause_ns;

bool spare_cores_wanted(void)
{
    const char *spin = getenv("RBDW_SPIN");
    cpu_set_t cores;
    return (spin == NULL || strcmp(spin, "off") != 0)
           && sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 1;
}

static int open_statistics(void)
{
    int fd = atomic_load(&descriptor);
    if (fd != NOT_OPENED) {
        return fd;
    }
    int made = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    made = made < 0 ? NOT_READABLE : descriptor_keep(made);
    if (!atomic_compare_exchange_strong(&descriptor, &fd, made)) {
        if (made >= 0) {
            descriptor_drop(made);
        }
        return fd;
    }
    return made;
}

/* Of all cores, from the first line: "cpu  user nice system idle iowait irq ...". */
static bool read_idle_ticks(uint64_t *idle)
{
    char text[256];
    int fd = open_statistics();
    ssize_t length = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (length < 4 || memcmp(text, "cpu ", 4) != 0) {
        return false;
    }
    text[length] = '\0';
    char *at = text + 4;
    *idle = 0;
    for (int i = 0; i < 5; i++) {
        char *end;
        uint64_t ticks = strtoull(at, &end, 10);
        if (end == at) {
            return false;
        }
        at = end;
        if (i >= 3) {
            *idle += ticks;
        }
    }
    return true;
}

static void pause_looking(int64_t now_ns)
{
    int64_t pause = atomic_load(&pause_ns) * 2;
    pause = pause < FIRST_PAUSE_NS ? FIRST_PAUSE_NS : pause > LONGEST_PAUSE_NS ? LONGEST_PAUSE_NS : pause;
    atomic_store(&pause_ns, pause);
    atomic_store(&left, false);
    atomic_store(&next_look_ns, now_ns + pause);
    atomic_store(&sampled_ns, 0);
}

static void take_sample(int64_t now_ns)
{
    uint64_t idle;
    if (!read_idle_ticks(&idle)) {
        pause_looking(now_ns);
        return;
    }
    int64_t before_ns = atomic_load(&sampled_ns);
    uint64_t idle_ticks = idle - atomic_load(&sampled_idle);
    atomic_store(&sampled_ns, now_ns);
    atomic_store(&sampled_idle, idle);
    if (before_ns == 0 || now_ns - before_ns < LEAST_SAMPLE_NS
        || now_ns - before_ns > LONGEST_SAMPLE_NS) {
        return; /* the first, or the first for long, which says nothing of what is now */
    }
    int64_t idle_ns = (int64_t) idle_ticks * (SECOND_NS / sysconf(_SC_CLK_TCK));
    if (idle_ns < (now_ns - before_ns) / 4) { /* a quarter of a core is none */
        pause_looking(now_ns);
    } else {
        atomic_store(&left, true);
        atomic_store(&pause_ns, atomic_load(&pause_ns) * 15 / 16);
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
    pause_looking(now_ns);
}
