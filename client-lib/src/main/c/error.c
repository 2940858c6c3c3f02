#include "error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rbdw.h"

/* In the block that a thread is born with, because making it at first use calls malloc, which a
 * signal handler may not. That block is small. */
static __thread char text[400] __attribute__((tls_model("initial-exec")));

/* What is left for the number in the longest text. */
#define NUMBER_LENGTH 80

const char *rbdw_error_text(void)
{
    return text;
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
/* These know no locale and take no lock. */
static void put_number(char *into, size_t room, int error)
{
    const char *description = strerrordesc_np(error);
    const char *symbol = strerrorname_np(error);
    if (description == NULL || symbol == NULL) {
        snprintf(into, room, ": error %d", error);
        return;
    }
    snprintf(into, room, ": %s (%s)", description, symbol);
    if (islower((unsigned char) description[1])) {
        into[2] = (char) tolower((unsigned char) into[2]);
    }
}
#else
static void put_number(char *into, size_t room, int error)
{
    snprintf(into, room, ": error %d", error);
}
#endif

int error_set(int error, const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(text, sizeof text - NUMBER_LENGTH, what, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char) *c < ' ' || *c == 0x7f) {
            *c = '?'; /* one line, whatever a name holds */
        }
    }
    size_t length = strlen(text);
    put_number(text + length, sizeof text - length, error);
    return -error;
}
