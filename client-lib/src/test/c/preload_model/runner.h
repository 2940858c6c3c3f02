/* What runs a sequence's operations in a world, and the files that do so, by families of calls. */

#ifndef RUNNER_H
#define RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include "operation.h"
#include "world.h"

#define BUFFER_LENGTH (FILE_SIZE + 16384) /* bytes; longer than any operation's length */

struct runner {
    const struct world *world;
    struct outcome *outcome; /* of the operation that runs */
    int fds[SLOTS];          /* -1: none */
    unsigned char *buffer;
};

/* Writes down what a call returned, and errno where that is -1. */
void record(struct runner *runner, int64_t result);

/* As if a call had failed with this. */
void record_error(struct runner *runner, int error);

/* Adds bytes, or a number, to the outcome's checksum. */
void note_bytes(struct runner *runner, const void *bytes, int64_t length);
void note(struct runner *runner, int64_t number);

/* The bytes that an operation writes. */
const unsigned char *bytes_to_write(struct runner *runner, const struct operation *operation);

/* The file's path as the operation's other number has it written. */
const char *spelling(const struct runner *runner, const struct operation *operation);

/* Without what empties a plain file, and of an image sets the end: preload/truncation.c. */
int flags_for(int flags);

/* True where it ran. False: the kind is of another family. */
bool_t run_descriptor_call(struct runner *runner, const struct operation *operation);
bool_t run_transfer(struct runner *runner, const struct operation *operation);
bool_t run_copy(struct runner *runner, const struct operation *operation);
bool_t run_stream(struct runner *runner, const struct operation *operation);
bool_t run_file_call(struct runner *runner, const struct operation *operation);
bool_t run_leave(struct runner *runner, const struct operation *operation);
bool_t run_process_call(struct runner *runner, const struct operation *operation);

#endif
