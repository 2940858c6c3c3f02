/* stdio. What a stream reads and writes is written down; where its descriptor stands is the affair of the
 * buffer, also after fclose. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

static const char *mode_for(int flags)
{
    static const char *const modes[] = {"r", "r+", "rb", "r+e", "a", "a+", "w", "w+"};
    return modes[flags % 8];
}

/* Without emptying it: preload/truncation.c. */
static FILE *open_stream(const struct runner *runner, const struct operation *operation)
{
    const char *mode = mode_for(operation->flags);
    const char *path = spelling(runner, operation);
    if (mode[0] != 'w') {
        return fopen(path, mode);
    }
    int fd = open(path, mode[1] == '+' ? O_RDWR : O_WRONLY);
    return fd < 0 ? NULL : fdopen(fd, mode);
}

static void read_line(struct runner *runner, FILE *stream)
{
    char line[300];
    char *read = fgets(line, sizeof line, stream);
    note(runner, read != NULL);
    if (read != NULL) {
        note_bytes(runner, line, (int64_t) strlen(line));
    }
}

static void use_stream(struct runner *runner, FILE *stream, const struct operation *operation)
{
    struct generator generator = {operation->seed};
    /* what a stream's buffer holds after an error is the C library's affair */
    for (int i = 0; i < 6 && !ferror(stream); i++) {
        size_t length = (size_t) generator_below(&generator, 9000);
        size_t done;
        switch (generator_below(&generator, 6)) {
        case 0:
            note(runner, fseek(stream, generator_below(&generator, FILE_SIZE + 2000), SEEK_SET));
            break;
        case 1:
            done = fread(runner->buffer, 1, length, stream);
            note(runner, (int64_t) done);
            note_bytes(runner, runner->buffer, (int64_t) done);
            break;
        case 2:
            note(runner, fseek(stream, 0, SEEK_CUR)); /* between reading and writing */
            fill_bytes(runner->buffer, length, operation->seed);
            done = fwrite(runner->buffer, 1, length, stream);
            note(runner, fflush(stream) == 0 && done == length);
            break;
        case 3:
            note(runner, fseek(stream, 0, SEEK_CUR));
            read_line(runner, stream);
            break;
        case 4:
            note(runner, fgetc(stream));
            break;
        default:
            note(runner, ftell(stream));
            break;
        }
        note(runner, feof(stream) != 0);
        note(runner, ferror(stream) != 0);
    }
}

bool_t run_stream(struct runner *runner, const struct operation *operation)
{
    FILE *stream = NULL;
    switch (operation->kind) {
    case STREAM:
        stream = open_stream(runner, operation);
        break;
    case FDOPEN: {
        int fd = dup(runner->fds[operation->slot]);
        stream = fd < 0 ? NULL : fdopen(fd, mode_for(operation->flags % 2));
        if (stream == NULL && fd >= 0) {
            int error = errno;
            close(fd);
            errno = error;
        }
        break;
    }
    default:
        return 0;
    }
    record(runner, stream == NULL ? -1 : fileno(stream));
    if (stream != NULL) {
        char buffer[4096]; /* of the same length in both worlds, which decides what fails when */
        setvbuf(stream, buffer, _IOFBF, sizeof buffer);
        use_stream(runner, stream, operation);
        note(runner, fclose(stream));
        if (operation->kind == FDOPEN) {
            lseek(runner->fds[operation->slot], operation->length, SEEK_SET);
        }
    }
    return 1;
}
