#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rbdw.h"

/* In the block that a thread is born with, because making it at first use calls malloc, which a
 * signal handler may not. That block is small. */
static __thread char text[400] __attribute__((tls_model("initial-exec")));

const char *rbdw_error_text(void)
{
    return text;
}

int error_set(int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char) *c < ' ' || *c == 0x7f) {
            *c = '?'; /* one line, whatever a name holds */
        }
    }
    return -error;
}

const char *error_symbol(int error)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
    const char *symbol = strerrorname_np(error);
    if (symbol != NULL) {
        return symbol;
    }
#endif
    (void) error;
    return "error";
}

const char *error_description(int error)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
    const char *description = strerrordesc_np(error); /* no locale, no lock */
    if (description != NULL) {
        return description;
    }
    return "unknown";
#else
    return strerror(error);
#endif
}
