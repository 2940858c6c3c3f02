/* What a measuring loop in C leaves for the Java side: each latency, which goes into the same kind of histogram as its own. */
#pragma once

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Beyond it, latencies are not kept any more: operations and time still count. */
#define SAMPLES_LIMIT (4u << 20)

struct samples {
    uint64_t operations;
    uint64_t elapsed_ns;
    uint32_t *latencies_ns;
};

static inline uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void pause_core(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Repeats the step, first for so long unmeasured; the end of one is the beginning of the next. */
static inline void measure(struct samples *samples, double ramp_s, double seconds, void (*step)(void *), void *context) {
    samples->latencies_ns = calloc(SAMPLES_LIMIT, sizeof(uint32_t));
    if (samples->latencies_ns == NULL)
        err(1, "no memory for latencies");
    uint64_t end = now_ns() + (uint64_t)(ramp_s * 1e9);
    while (now_ns() < end)
        step(context);
    uint64_t start = now_ns();
    uint64_t before = start;
    end = start + (uint64_t)(seconds * 1e9);
    while (before < end) {
        step(context);
        uint64_t now = now_ns();
        if (samples->operations < SAMPLES_LIMIT)
            samples->latencies_ns[samples->operations] = now - before > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - before);
        samples->operations++;
        before = now;
    }
    samples->elapsed_ns = before - start;
}

/* Operations and nanoseconds, 8 bytes each, then 4 bytes a latency; in this machine's byte order. */
static inline void write_samples(const struct samples *samples, const char *path) {
    FILE *file = fopen(path, "wb");
    size_t kept = samples->operations < SAMPLES_LIMIT ? samples->operations : SAMPLES_LIMIT;
    if (file == NULL || fwrite(samples, 8, 2, file) != 2 || fwrite(samples->latencies_ns, 4, kept, file) != kept || fclose(file) != 0)
        err(1, "%s", path);
}
