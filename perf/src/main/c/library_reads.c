/*
 * Random reads of an image by librbdw, one at a time, as a C program has them.
 *
 *   library_reads LIBRBDW RUN_DIR PATH BYTES RAMP_S SECONDS OUTPUT
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>

#include "samples.h"

/* Of rbdw.h; by name, so that nothing need be installed. */
struct library {
    int (*open)(const char *path, int flags, void **file);
    ssize_t (*pread)(void *file, void *buffer, size_t count, off_t offset);
    int64_t (*size)(void *file);
    int (*close)(void *file);
    const char *(*error_text)(void);
};

struct reader {
    struct library library;
    void *file;
    char *buffer;
    size_t bytes;
    uint64_t blocks;
    uint64_t random;
};

static void *symbol(void *handle, const char *name) {
    void *found = dlsym(handle, name);
    if (found == NULL)
        errx(1, "%s", dlerror());
    return found;
}

static void read_one(void *context) {
    struct reader *reader = context;
    reader->random ^= reader->random << 13;
    reader->random ^= reader->random >> 7;
    reader->random ^= reader->random << 17;
    off_t offset = (off_t)(reader->random % reader->blocks * reader->bytes);
    if (reader->library.pread(reader->file, reader->buffer, reader->bytes, offset) != (ssize_t)reader->bytes)
        errx(1, "%s", reader->library.error_text());
}

int main(int argc, char **argv) {
    if (argc != 8)
        errx(2, "usage: library_reads LIBRBDW RUN_DIR PATH BYTES RAMP_S SECONDS OUTPUT");
    setenv("RBDW_RUN_DIR", argv[2], 1);
    void *handle = dlopen(argv[1], RTLD_NOW);
    if (handle == NULL)
        errx(1, "%s", dlerror());
    struct reader reader = {.bytes = strtoul(argv[4], NULL, 10), .random = 88172645463325252u};
    reader.library.open = symbol(handle, "rbdw_open");
    reader.library.pread = symbol(handle, "rbdw_pread");
    reader.library.size = symbol(handle, "rbdw_size");
    reader.library.close = symbol(handle, "rbdw_close");
    reader.library.error_text = symbol(handle, "rbdw_error_text");
    if (reader.library.open(argv[3], O_RDONLY, &reader.file) < 0)
        errx(1, "%s", reader.library.error_text());
    reader.buffer = malloc(reader.bytes);
    reader.blocks = (uint64_t)reader.library.size(reader.file) / reader.bytes;
    struct samples samples = {0};
    measure(&samples, atof(argv[5]), atof(argv[6]), read_one, &reader);
    write_samples(&samples, argv[7]);
    reader.library.close(reader.file);
    return 0;
}
