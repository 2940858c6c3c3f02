/* longjmp(3) and its kin: a signal handler that has interrupted a call on an image may jump out of it. What the
 * call has taken is given back first (taken.h). */

#include <setjmp.h>
#include <stdint.h>

#include "hook.h"
#include "taken.h"

/* Where the stack will be; 0 where that is not known here: then the thread's next call finds out. */
static uintptr_t target_of(const struct __jmp_buf_tag *target)
{
#if defined(__x86_64__) && defined(__GLIBC__)
    /* the C library keeps it with a secret of the process, which stands in the thread's control block */
    uintptr_t stack = (uintptr_t) target->__jmpbuf[6];
    __asm__("ror $17, %0\n\txor %%fs:0x30, %0" : "+r"(stack));
    return stack;
#else
    (void) target;
    return 0;
#endif
}

static void before_jump(const struct __jmp_buf_tag *target)
{
    taken_before_jump(target_of(target));
}

HOOK void longjmp(struct __jmp_buf_tag target[1], int value)
{
    before_jump(target);
    REAL(longjmp)(target, value);
    __builtin_unreachable();
}

HOOK void siglongjmp(struct __jmp_buf_tag target[1], int value)
{
    before_jump(target);
    REAL(siglongjmp)(target, value);
    __builtin_unreachable();
}

ALIAS(_longjmp, longjmp);

extern void __longjmp_chk(struct __jmp_buf_tag target[1], int value) __attribute__((noreturn));

HOOK void __longjmp_chk(struct __jmp_buf_tag target[1], int value)
{
    before_jump(target);
    REAL(__longjmp_chk)(target, value);
    __builtin_unreachable();
}
