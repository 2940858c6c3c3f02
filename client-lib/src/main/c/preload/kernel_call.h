/* A system call that is made here and not by the C library, whose functions others may have replaced and
 * some of which set errno. */

#ifndef RBDW_KERNEL_CALL_H
#define RBDW_KERNEL_CALL_H

#include <errno.h>

#include "real.h"

/* The result, or a negative errno. */
static inline long kernel_call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long call __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc 0"
                     : "+r"(first)
                     : "r"(call), "r"(second), "r"(third), "r"(fourth)
                     : "memory");
    return first;
#else
    int error = errno;
    long result = REAL(syscall)(number, a, b, c, d);
    result = result < 0 ? -errno : result;
    errno = error;
    return result;
#endif
}

#endif
