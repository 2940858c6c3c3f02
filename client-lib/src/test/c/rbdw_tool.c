/* Reads and writes an image from a shell, through librbdw. Every failure is one line on stderr.
 *
 * Exit: 0, 1 failure, 2 usage. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rbdw.h"

#define BUFFER_LENGTH (4 * 1024 * 1024)

static int usage(void)
{
    fprintf(stderr, "usage: rbdw_tool read PATH OFFSET LENGTH   (to stdout; ends at the image's end)\n"
                    "       rbdw_tool write PATH OFFSET         (from stdin)\n"
                    "       rbdw_tool size PATH\n"
                    "       rbdw_tool flush PATH\n"
                    "       rbdw_tool discard PATH OFFSET LENGTH\n"
                    "       rbdw_tool zero PATH OFFSET LENGTH\n"
                    "numbers are bytes\n");
    return 2;
}

static int failed(void)
{
    fprintf(stderr, "rbdw_tool: %s\n", rbdw_error_text());
    return 1;
}

static int read_to_stdout(rbdw_file *file, char *buffer, off_t offset, off_t length)
{
    while (length > 0) {
        size_t count = length < BUFFER_LENGTH ? (size_t) length : BUFFER_LENGTH;
        ssize_t n = rbdw_pread(file, buffer, count, offset);
        if (n < 0) {
            return failed();
        }
        if (n == 0) {
            break;
        }
        if (fwrite(buffer, 1, (size_t) n, stdout) != (size_t) n) {
            fprintf(stderr, "rbdw_tool: stdout: %s\n", strerror(errno));
            return 1;
        }
        offset += n;
        length -= n;
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "rbdw_tool: stdout: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}

static int write_from_stdin(rbdw_file *file, char *buffer, off_t offset)
{
    size_t count;
    while ((count = fread(buffer, 1, BUFFER_LENGTH, stdin)) > 0) {
        for (size_t done = 0; done < count;) {
            ssize_t n = rbdw_pwrite(file, buffer + done, count - done, offset);
            if (n < 0) {
                return failed();
            }
            offset += n;
            done += (size_t) n;
        }
    }
    if (ferror(stdin)) {
        fprintf(stderr, "rbdw_tool: stdin: %s\n", strerror(errno));
        return 1;
    }
    return rbdw_flush(file) < 0 ? failed() : 0;
}

static int run(const char *command, rbdw_file *file, off_t offset, off_t length)
{
    if (strcmp(command, "size") == 0) {
        int64_t size = rbdw_size(file);
        if (size < 0) {
            return failed();
        }
        printf("%" PRId64 "\n", size);
        return 0;
    }
    if (strcmp(command, "flush") == 0) {
        return rbdw_flush(file) < 0 ? failed() : 0;
    }
    if (strcmp(command, "discard") == 0) {
        return rbdw_discard(file, offset, length) < 0 ? failed() : 0;
    }
    if (strcmp(command, "zero") == 0) {
        return rbdw_write_zeroes(file, offset, length) < 0 ? failed() : 0;
    }
    char *buffer = malloc(BUFFER_LENGTH);
    if (buffer == NULL) {
        fprintf(stderr, "rbdw_tool: no memory\n");
        return 1;
    }
    int result = strcmp(command, "read") == 0 ? read_to_stdout(file, buffer, offset, length)
                                              : write_from_stdin(file, buffer, offset);
    free(buffer);
    return result;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments;
        int flags;
    } commands[] = {
        {"read", 5, O_RDONLY},  {"write", 4, O_WRONLY},   {"size", 3, O_RDONLY},
        {"flush", 3, O_RDONLY}, {"discard", 5, O_WRONLY}, {"zero", 5, O_WRONLY},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (argc < 2 || strcmp(argv[1], commands[i].name) != 0) {
            continue;
        }
        off_t numbers[2] = {0, 0};
        if (argc != commands[i].arguments) {
            return usage();
        }
        for (int j = 3; j < argc; j++) {
            char *end;
            errno = 0;
            numbers[j - 3] = strtoll(argv[j], &end, 10);
            if (*argv[j] == '\0' || *end != '\0' || errno != 0) {
                return usage();
            }
        }
        rbdw_file *file;
        if (rbdw_open(argv[2], commands[i].flags, &file) < 0) {
            return failed();
        }
        int result = run(argv[1], file, numbers[0], numbers[1]);
        if (rbdw_close(file) < 0 && result == 0) {
            result = failed();
        }
        return result;
    }
    return usage();
}
