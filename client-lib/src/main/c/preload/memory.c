#include "memory.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "system_call.h"

#define PAGE 4096u           /* no system has smaller ones, and asking once more harms nobody */
#define STACK (256u * 1024u) /* above the caller's frame; what lies there is surely the same stack's */
#define MAX_SEGMENTS 8

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* linux/mman.h; glibc has it from 2.35 on */
#endif

struct range {
    uintptr_t begin;
    uintptr_t end;
};

/* Of the program itself: neither it nor its heap's begin goes away. Written by the constructor only. */
static struct range segments[MAX_SEGMENTS];
static int segment_count;
static uintptr_t heap_begin;

extern void *__libc_stack_end;

static bool is_within(uintptr_t at, uintptr_t begin, uintptr_t end)
{
    return at >= begin && at < end;
}

/* How far it is known that memory can be read from there on: 0 where nothing is. */
static uintptr_t known_end(uintptr_t at)
{
    uintptr_t frame = (uintptr_t) __builtin_frame_address(0);
    if (is_within(at, frame, frame + STACK)) {
        /* the main thread's stack ends there, and that of another below its own pthread_t */
        uintptr_t main_end = (uintptr_t) __libc_stack_end;
        uintptr_t thread_end = (uintptr_t) pthread_self();
        uintptr_t end = is_within(main_end, frame, frame + STACK)       ? main_end
                        : is_within(thread_end, frame, frame + STACK) ? thread_end
                                                                        : 0;
        if (at < end) {
            return end;
        }
    }
    for (int i = 0; i < segment_count; i++) {
        if (is_within(at, segments[i].begin, segments[i].end)) {
            return segments[i].end;
        }
    }
    if (heap_begin != 0 && at >= heap_begin) {
        uintptr_t heap_end = (uintptr_t) sbrk(0);
        return at < heap_end ? heap_end : 0;
    }
    return 0;
}

/* Before Linux 5.14 and for devices' memory: rt_sigprocmask(2) reads the set before it sees that it does not know what
 * to do with it. */
static bool kernel_can_read_set(uintptr_t at)
{
    return system_call(SYS_rt_sigprocmask, -1, (long) (at & ~(uintptr_t) 7), 0, 8, 0, 0) != -EFAULT;
}

/* The whole page. Of the calls that would tell, this is one that a memory checker has nothing to say about. */
static bool kernel_can_read(uintptr_t at)
{
    long page = (long) (at & ~(uintptr_t) (PAGE - 1));
    long result = system_call(SYS_madvise, page, PAGE, MADV_POPULATE_READ, 0, 0, 0);
    return result == 0 || (result == -EINVAL && kernel_can_read_set(at));
}

bool memory_has_string(const char *text)
{
    uintptr_t at = (uintptr_t) text;
    uintptr_t limit = at + PATH_MAX;
    if (at < PAGE) {
        return false;
    }
    uintptr_t end = known_end(at);
    while (at < limit) {
        if (end == 0) {
            if (!kernel_can_read(at)) {
                return false;
            }
            end = (at | (PAGE - 1)) + 1;
        }
        uintptr_t until = end < limit ? end : limit;
        if (memchr((const void *) at, '\0', until - at) != NULL) {
            return true;
        }
        at = until;
        end = 0;
    }
    return false;
}

bool memory_can_be_read(const void *bytes, size_t length)
{
    uintptr_t at = (uintptr_t) bytes;
    for (uintptr_t end = at + length; at < end; at = (at | (PAGE - 1)) + 1) {
        if (!kernel_can_read(at)) {
            return false;
        }
    }
    return true;
}

static void add_segment(const struct link_map *program, const ElfW(Phdr) *header)
{
    if (header->p_type == PT_LOAD && (header->p_flags & PF_R) != 0 && segment_count < MAX_SEGMENTS) {
        uintptr_t begin = program->l_addr + header->p_vaddr;
        segments[segment_count++] = (struct range) {begin, begin + header->p_memsz};
    }
}

__attribute__((constructor)) static void memory_begin(void)
{
    int error = errno;
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *) getauxval(AT_PHDR);
    size_t count = headers == NULL || _r_debug.r_map == NULL ? 0 : getauxval(AT_PHNUM);
    for (size_t i = 0; i < count; i++) {
        add_segment(_r_debug.r_map, &headers[i]);
    }
    void *begin = sbrk(0);
    heap_begin = begin == (void *) -1 ? 0 : (uintptr_t) begin;
    errno = error;
}
