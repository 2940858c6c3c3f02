#include "user_copy.h"

#include <string.h>

#if defined(__x86_64__)

/* By itself: its labels must be there once. */
#if __has_attribute(noclone)
__attribute__((noclone))
#endif
__attribute__((noinline)) size_t user_copy(void *to, const void *from, size_t count)
{
    size_t left = count;
    __asm__ volatile(".globl user_copy_at\n\t"
                     ".hidden user_copy_at\n\t"
                     ".globl user_copy_after\n\t"
                     ".hidden user_copy_after\n"
                     "user_copy_at:\n\t"
                     "rep movsb\n"
                     "user_copy_after:"
                     : "+D"(to), "+S"(from), "+c"(left)
                     :
                     : "memory");
    return count - left;
}

#else

size_t user_copy(void *to, const void *from, size_t count)
{
    memcpy(to, from, count);
    return count;
}

#endif
