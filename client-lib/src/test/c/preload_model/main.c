/* preload_model IMAGE FILE SECONDS SEED: random sequences of calls on an image under the preload
 * library and on a plain file at the same time. Each runs in a process of its own, so that descriptors
 * have the same numbers; results, errnos, bytes and positions have to be the same. A sequence that
 * fails is shrunk and printed. Then threads and processes side by side, each against a model of its own
 * part of the image. */

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "operation.h"
#include "parallel.h"
#include "world.h"

struct worlds {
    struct world image;
    struct world file;
};

static void await(pid_t child, const char *which)
{
    int status;
    if (waitpid(child, &status, 0) != child) {
        err(1, "waitpid");
    }
    if (status != 0) {
        fprintf(stderr, "the process on the %s ended with status 0x%x\n", which, status);
    }
}

/* Runs both; the first operation whose outcomes differ, or -1. */
static int run(struct worlds *worlds, const struct operation *operations, const bool_t *keep,
               int count, uint32_t seed)
{
    memset(worlds->image.outcomes, 0, sizeof worlds->image.outcomes);
    memset(worlds->file.outcomes, 0, sizeof worlds->file.outcomes);
    for (int i = 0; i < 2; i++) {
        struct world *world = i == 0 ? &worlds->image : &worlds->file;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            world_run(world, operations, keep, count, seed);
        }
        if (child < 0) {
            err(1, "fork");
        }
        await(child, i == 0 ? "image" : "file");
    }
    for (int i = 0; i <= count; i++) {
        int at = i == count ? MAX_OPERATIONS : i;
        if (memcmp(&worlds->image.outcomes[at], &worlds->file.outcomes[at],
                   sizeof worlds->image.outcomes[at])
            != 0) {
            return i;
        }
    }
    return -1;
}

/* Leaves out what can be left out so that it still fails: halves first, then smaller parts. */
static void shrink(struct worlds *worlds, const struct operation *operations, bool_t *keep,
                   int count, uint32_t seed)
{
    for (int part = count / 2; part >= 1; part /= 2) {
        for (int begin = 0; begin < count; begin += part) {
            bool_t before[MAX_OPERATIONS];
            memcpy(before, keep, sizeof before);
            bool_t leaves_out = 0;
            for (int i = begin; i < begin + part && i < count; i++) {
                leaves_out |= keep[i];
                keep[i] = 0;
            }
            if (leaves_out && run(worlds, operations, keep, count, seed) < 0) {
                memcpy(keep, before, sizeof before);
            }
        }
    }
}

static void print_outcome(const char *which, const struct outcome *outcome)
{
    printf("     %s: %" PRId64 " errno %d (%s) extra %08x positions", which, outcome->result,
           outcome->error, outcome->error == 0 ? "none" : strerror(outcome->error),
           outcome->extra);
    for (int i = 0; i < SLOTS; i++) {
        printf(" %" PRId64, outcome->positions[i]);
    }
    printf("\n");
}

static void print(const struct worlds *worlds, const struct operation *operations,
                  const bool_t *keep, int count, int differs)
{
    for (int i = 0; i < count && (differs < 0 || i <= differs); i++) {
        if (keep[i]) {
            operation_print(stdout, i, &operations[i]);
        }
    }
    if (differs < 0) {
        printf("  it does not differ each time\n");
        return;
    }
    int at = differs == count ? MAX_OPERATIONS : differs;
    printf("%s\n", differs == count ? "  the bytes at the end differ" : "  the last differs:");
    print_outcome("image", &worlds->image.outcomes[at]);
    print_outcome("file ", &worlds->file.outcomes[at]);
}

static int run_sequence(struct worlds *worlds, uint32_t seed)
{
    struct generator generator = {seed};
    struct operation operations[MAX_OPERATIONS] = {0};
    bool_t keep[MAX_OPERATIONS];
    int count = 10 + (int) generator_below(&generator, MAX_OPERATIONS - 10 + 1);
    operations_generate(&generator, operations, count);
    for (int i = 0; i < MAX_OPERATIONS; i++) {
        keep[i] = i < count;
    }
    if (run(worlds, operations, keep, count, seed) < 0) {
        return 0;
    }
    printf("sequence %" PRIu32 " differs; shrunk:\n", seed);
    shrink(worlds, operations, keep, count, seed);
    print(worlds, operations, keep, count, run(worlds, operations, keep, count, seed));
    return 1;
}

static void set_paths(struct world *world, char *path, bool_t is_image, const char *program)
{
    char *slash = strrchr(path, '/');
    world->path = path;
    world->name = slash + 1;
    world->is_image = is_image;
    world->program = program;
    char *directory = strndup(path, (size_t) (slash - path));
    world->directory = directory;
}

static void make_link(struct world *world, const char *beside, const char *suffix)
{
    char link[4096];
    snprintf(link, sizeof link, "%s.%s", beside, suffix);
    unlink(link);
    if (symlink(world->path, link) < 0) {
        err(1, "symlink %s", link);
    }
    world->link = strdup(link);
}

static void make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, FILE_SIZE) < 0 || close(fd) < 0) {
        err(1, "cannot make %s", path);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--child") == 0) {
        return world_run_as_child(atoi(argv[2]));
    }
    if (argc != 5 || strrchr(argv[1], '/') == NULL || strrchr(argv[2], '/') == NULL) {
        errx(2, "usage: preload_model IMAGE FILE SECONDS SEED");
    }
    struct worlds *worlds = mmap(NULL, sizeof *worlds, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (worlds == MAP_FAILED) {
        err(1, "mmap");
    }
    set_paths(&worlds->image, argv[1], 1, argv[0]);
    set_paths(&worlds->file, argv[2], 0, argv[0]);
    make_file(argv[2]);
    make_link(&worlds->image, argv[2], "image-link");
    make_link(&worlds->file, argv[2], "file-link");

    time_t end = time(NULL) + atol(argv[3]);
    uint32_t seed = (uint32_t) strtoul(argv[4], NULL, 0);
    long sequences = 0;
    do {
        if (run_sequence(worlds, seed + (uint32_t) sequences) != 0) {
            return 1;
        }
        sequences++;
    } while (time(NULL) < end);
    printf("%ld sequences from seed %" PRIu32 ", no difference\n", sequences, seed);
    return parallel_run(argv[1], atol(argv[3]), seed);
}
