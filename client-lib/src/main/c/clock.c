#include "clock.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include "system_call.h"

#define SECOND_NS INT64_C(1000000000)

#if defined(__aarch64__)
#define VDSO_NAME "__kernel_clock_gettime"
#else
#define VDSO_NAME "__vdso_clock_gettime"
#endif

typedef int (*clock_function)(clockid_t clock, struct timespec *now);

static int by_system_call(clockid_t clock, struct timespec *now)
{
    return (int) system_call(SYS_clock_gettime, clock, (long) now, 0, 0, 0, 0);
}

/* Of the vDSO. */
struct symbols {
    const ElfW(Sym) *table;
    const char *names;
    uint32_t count;
};

/* The table itself does not say how long it is. */
static uint32_t count_of(const uint32_t *hash)
{
    return hash[1];
}

static uint32_t count_of_gnu(const uint32_t *hash)
{
    uint32_t buckets = hash[0];
    uint32_t first = hash[1];
    const uint32_t *bucket = hash + 4 + hash[2] * (sizeof(ElfW(Addr)) / sizeof *hash);
    const uint32_t *chain = bucket + buckets;
    uint32_t last = 0;
    for (uint32_t i = 0; i < buckets; i++) {
        last = bucket[i] > last ? bucket[i] : last;
    }
    if (last < first) {
        return first;
    }
    while ((chain[last - first] & 1) == 0) {
        last++;
    }
    return last + 1;
}

static bool find_symbols(uintptr_t image, uintptr_t *base, struct symbols *symbols)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *) image;
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *) (image + header->e_phoff);
    const ElfW(Dyn) *dynamic = NULL;
    bool is_loaded = false;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (segment[i].p_type == PT_LOAD && !is_loaded) {
            *base = image + segment[i].p_offset - segment[i].p_vaddr;
            is_loaded = true;
        } else if (segment[i].p_type == PT_DYNAMIC) {
            dynamic = (const ElfW(Dyn) *) (image + segment[i].p_offset);
        }
    }
    for (; is_loaded && dynamic != NULL && dynamic->d_tag != DT_NULL; dynamic++) {
        const void *at = (const void *) (*base + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_SYMTAB) {
            symbols->table = at;
        } else if (dynamic->d_tag == DT_STRTAB) {
            symbols->names = at;
        } else if (dynamic->d_tag == DT_HASH) {
            symbols->count = count_of(at);
        } else if (dynamic->d_tag == DT_GNU_HASH && symbols->count == 0) {
            symbols->count = count_of_gnu(at);
        }
    }
    return symbols->table != NULL && symbols->names != NULL;
}

static clock_function find(void)
{
    struct symbols symbols = {0};
    uintptr_t base = 0;
    uintptr_t image = getauxval(AT_SYSINFO_EHDR);
    if (image == 0 || !find_symbols(image, &base, &symbols)) {
        return by_system_call;
    }
    for (uint32_t i = 0; i < symbols.count; i++) {
        const ElfW(Sym) *symbol = &symbols.table[i];
        if (symbol->st_shndx != SHN_UNDEF && strcmp(symbols.names + symbol->st_name, VDSO_NAME) == 0) {
            return (clock_function) (base + symbol->st_value);
        }
    }
    return by_system_call;
}

int64_t clock_now_ns(void)
{
    static clock_function function;
    clock_function known = __atomic_load_n(&function, __ATOMIC_RELAXED);
    if (__builtin_expect(known == NULL, false)) {
        known = find(); /* two threads find the same */
        __atomic_store_n(&function, known, __ATOMIC_RELAXED);
    }
    struct timespec now;
    known(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}
