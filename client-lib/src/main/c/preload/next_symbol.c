#include "next_symbol.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HIDDEN_VERSION 0x8000 /* an older one of several under this name */

/* What of a library's dynamic section the search needs. */
struct symbols {
    const ElfW(Sym) *table;
    const char *names;
    const ElfW(Half) *versions;
    const uint32_t *gnu_hash;
    const ElfW(Word) *hash;
};

/* The dynamic linker adds the load address to what it has loaded, and not to the vDSO's. */
static const void *address(const struct link_map *library, ElfW(Addr) value)
{
    return (const void *) (value < library->l_addr ? library->l_addr + value : value);
}

static struct symbols symbols_of(const struct link_map *library)
{
    struct symbols symbols = {NULL, NULL, NULL, NULL, NULL};
    for (const ElfW(Dyn) *entry = library->l_ld; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        const void *at = address(library, entry->d_un.d_ptr);
        switch (entry->d_tag) {
        case DT_SYMTAB:
            symbols.table = at;
            break;
        case DT_STRTAB:
            symbols.names = at;
            break;
        case DT_VERSYM:
            symbols.versions = at;
            break;
        case DT_GNU_HASH:
            symbols.gnu_hash = at;
            break;
        case DT_HASH:
            symbols.hash = at;
            break;
        default:
            break;
        }
    }
    return symbols;
}

static bool is_it(const struct symbols *symbols, uint32_t index, const char *name)
{
    const ElfW(Sym) *symbol = &symbols->table[index];
    int type = symbol->st_info & 0xf;
    int binding = symbol->st_info >> 4;
    return symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC)
           && (binding == STB_GLOBAL || binding == STB_WEAK)
           && (symbols->versions == NULL || (symbols->versions[index] & HIDDEN_VERSION) == 0)
           && strcmp(symbols->names + symbol->st_name, name) == 0;
}

static uint32_t gnu_hash(const char *name)
{
    uint32_t hash = 5381;
    for (; *name != '\0'; name++) {
        hash = hash * 33 + (unsigned char) *name;
    }
    return hash;
}

static const ElfW(Sym) *find_by_gnu_hash(const struct symbols *symbols, const char *name,
                                         uint32_t hash)
{
    uint32_t buckets = symbols->gnu_hash[0];
    uint32_t first = symbols->gnu_hash[1];
    uint32_t words = symbols->gnu_hash[2];
    uint32_t shift = symbols->gnu_hash[3];
    const ElfW(Addr) *bloom = (const ElfW(Addr) *) (symbols->gnu_hash + 4);
    const uint32_t *bucket = (const uint32_t *) (bloom + words);
    const uint32_t *chain = bucket + buckets;
    const uint32_t bits = 8 * sizeof *bloom;
    ElfW(Addr) word = bloom[hash / bits & (words - 1)];
    if (buckets == 0 || (word >> hash % bits & word >> (hash >> shift) % bits & 1) == 0) {
        return NULL;
    }
    uint32_t index = bucket[hash % buckets];
    if (index < first) {
        return NULL;
    }
    while (true) {
        uint32_t other = chain[index - first];
        if ((other | 1) == (hash | 1) && is_it(symbols, index, name)) {
            return &symbols->table[index];
        }
        if ((other & 1) != 0) {
            return NULL;
        }
        index++;
    }
}

/* Of libraries without the other table: one after the other, for few have none. */
static const ElfW(Sym) *find_by_count(const struct symbols *symbols, const char *name)
{
    for (uint32_t index = 1; index < symbols->hash[1]; index++) {
        if (is_it(symbols, index, name)) {
            return &symbols->table[index];
        }
    }
    return NULL;
}

static void *find_in(const struct link_map *library, const struct symbols *symbols, const char *name,
                     uint32_t hash)
{
    const ElfW(Sym) *found = symbols->gnu_hash != NULL ? find_by_gnu_hash(symbols, name, hash)
                             : symbols->hash != NULL   ? find_by_count(symbols, name)
                                                       : NULL;
    if (found == NULL) {
        return NULL;
    }
    void *function = (void *) (library->l_addr + found->st_value);
    if ((found->st_info & 0xf) == STT_GNU_IFUNC) {
        function = ((void *(*) (void) ) function)();
    }
    return function;
}

/* Each library once, with all names that none before it has. */
void next_symbols_find(const char *const names[], void *found[], size_t count)
{
    uint32_t hashes[count];
    bool is_found[count];
    const struct link_map *library = _r_debug.r_map;
    for (size_t i = 0; i < count; i++) {
        hashes[i] = gnu_hash(names[i]);
        is_found[i] = false;
    }
    while (library != NULL && library->l_ld != _DYNAMIC) { /* this library's */
        library = library->l_next;
    }
    while (library != NULL && (library = library->l_next) != NULL) {
        struct symbols symbols = symbols_of(library);
        if (symbols.table == NULL || symbols.names == NULL) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            void *function =
                is_found[i] ? NULL : find_in(library, &symbols, names[i], hashes[i]);
            if (function != NULL) {
                found[i] = function;
                is_found[i] = true;
            }
        }
    }
}
