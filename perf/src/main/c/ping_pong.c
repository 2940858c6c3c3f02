/*
 * The yardstick of a round trip: two processes that hand an entry of 64 bytes to and fro through two rings of sequenced entries in
 * shared memory, both spinning. No protocol, no data, no wake.
 *
 *   ping_pong RAMP_S SECONDS OUTPUT
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"

#define ENTRIES 64u

struct entry {
    _Alignas(64) _Atomic uint64_t sequence; /* its position + 1 once it is there; published last */
    uint64_t words[7];
};

struct rings {
    struct entry requests[ENTRIES];
    struct entry responses[ENTRIES];
};

struct side {
    struct rings *rings;
    uint64_t position;
};

static void publish(struct entry *ring, uint64_t position) {
    struct entry *entry = &ring[position % ENTRIES];
    for (int i = 0; i < 7; i++)
        entry->words[i] = position;
    atomic_store_explicit(&entry->sequence, position + 1, memory_order_release);
}

static void await(struct entry *ring, uint64_t position) {
    while (atomic_load_explicit(&ring[position % ENTRIES].sequence, memory_order_acquire) != position + 1)
        pause_core();
}

static void round_trip(void *context) {
    struct side *side = context;
    publish(side->rings->requests, side->position);
    await(side->rings->responses, side->position);
    side->position++;
}

static void echo(struct rings *rings, pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(1);
    for (uint64_t position = 0;; position++) {
        await(rings->requests, position);
        publish(rings->responses, position);
    }
}

int main(int argc, char **argv) {
    if (argc != 4)
        errx(2, "usage: ping_pong RAMP_S SECONDS OUTPUT");
    struct side side = {mmap(NULL, sizeof(struct rings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 0};
    if (side.rings == MAP_FAILED)
        err(1, "mmap");
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0)
        echo(side.rings, parent);
    struct samples samples = {0};
    measure(&samples, atof(argv[1]), atof(argv[2]), round_trip, &side);
    write_samples(&samples, argv[3]);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
