/* What the fuzzers share. Each is one program that does one thing with one input, the same every time:
 * run by libFuzzer where the compiler is clang, else by replay.c, which only runs inputs that are kept.
 *
 * An input is read from its front; where it ends, zeroes follow. */

#ifndef RBDW_FUZZ_H
#define RBDW_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

/* The next bytes, no more than there are: how many. */
static inline size_t input_take(struct input *input, size_t wanted, const uint8_t **bytes)
{
    size_t length = wanted < input->left ? wanted : input->left;
    *bytes = input->at;
    input->at += length;
    input->left -= length;
    return length;
}

/* A number of so many bytes, little endian. */
static inline uint64_t input_number(struct input *input, size_t length)
{
    const uint8_t *bytes;
    uint64_t number = 0;
    size_t found = input_take(input, length, &bytes);
    for (size_t i = 0; i < found; i++) {
        number |= (uint64_t) bytes[i] << 8 * i;
    }
    return number;
}

static inline uint8_t input_u8(struct input *input)
{
    return (uint8_t) input_number(input, 1);
}

/* What must hold whatever the input is. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
