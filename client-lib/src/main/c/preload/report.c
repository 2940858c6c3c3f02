#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"
#include "descriptor.h"
#include "real.h"
#include "stdio_streams.h"

#define VARIABLE "RBDW_REPORT="

bool report_is_wanted;

/* Of standard error as it was at the start: many programs close theirs before they end. */
static int output = STDERR_FILENO;

static atomic_bool has_told_passed_over;

static struct counter {
    _Atomic uint64_t calls;
    _Atomic uint64_t bytes;
    _Atomic uint64_t fallen_through;
} counters[CALLS];

void report_add(enum call call, long bytes)
{
    if (bytes < 0) {
        atomic_fetch_add_explicit(&counters[call].calls, 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&counters[call].bytes, (uint64_t) bytes, memory_order_relaxed);
    }
}

void report_add_fallen_through(enum call call)
{
    atomic_fetch_add_explicit(&counters[call].fallen_through, 1, memory_order_relaxed);
}

/* write(2) and not stdio: the program may have closed its streams, and a handler may call. */
static void print(const char *format, va_list arguments)
{
    int error = errno;
    char line[600];
    int length = snprintf(line, sizeof line, "rbdwrapper: %s[%d]: ", program_invocation_short_name,
                          (int) getpid());
    if (length > 0 && (size_t) length < sizeof line - 1) {
        size_t room = sizeof line - (size_t) length - 1;
        int more = vsnprintf(line + length, room, format, arguments);
        length += more < 0 ? 0 : (size_t) more < room ? more : (int) room - 1;
        line[length++] = '\n';
        if (REAL(write)(output, line, (size_t) length) < 0) {
            errno = error; /* nobody to tell */
        }
    }
    errno = error;
}

void report_print_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
}

void report_print(void)
{
    if (!report_is_wanted) {
        return;
    }
    const char *passed_over = connect_passed_over();
    if (passed_over != NULL && !atomic_exchange(&has_told_passed_over, true)) {
        report_print_line("%s", passed_over);
    }
    for (int i = 0; i < CALLS; i++) {
        uint64_t calls = atomic_exchange(&counters[i].calls, 0);
        uint64_t bytes = atomic_exchange(&counters[i].bytes, 0);
        uint64_t fallen = atomic_exchange(&counters[i].fallen_through, 0);
        if (calls > 0 && bytes > 0) {
            report_print_line("%-16s %10" PRIu64 " calls %14" PRIu64 " bytes", call_names[i], calls,
                              bytes);
        } else if (calls > 0) {
            report_print_line("%-16s %10" PRIu64 " calls", call_names[i], calls);
        }
        if (fallen > 0) {
            report_print_line("%-16s %10" PRIu64 " calls fell through: an image has no such thing",
                              call_names[i], fallen);
        }
    }
}

/* The C library has no environment yet where this library is initialised first. */
__attribute__((constructor)) static void report_begin(int count, char **arguments,
                                                      char **environment)
{
    (void) count;
    (void) arguments;
    for (; *environment != NULL && !report_is_wanted; environment++) {
        const char *wanted = strncmp(*environment, VARIABLE, sizeof VARIABLE - 1) == 0
                                 ? *environment + sizeof VARIABLE - 1
                                 : "";
        report_is_wanted = *wanted != '\0' && strcmp(wanted, "0") != 0;
    }
    int copy = report_is_wanted ? REAL(fcntl)(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy >= 0) {
        output = descriptor_keep(copy);
    }
}

__attribute__((destructor)) static void report_end(void)
{
    if (report_is_wanted) {
        stdio_flush(); /* the C library would do it after this */
    }
    report_print();
}
