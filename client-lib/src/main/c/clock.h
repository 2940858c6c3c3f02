/* The kernel's clock, whatever another library makes of the C library's. */

#ifndef RBDW_CLOCK_H
#define RBDW_CLOCK_H

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC. Any thread, signal handlers; no system call where the kernel has a vDSO. */
int64_t clock_now_ns(void);

#endif
