/* every_hook LIBRARY FOLDER [FILE]: calls every function that LIBRARY exports, by each of its names and by its
 * system call's number, with each of its pointers good and bad, each call in a child; prints a line a call with
 * what came of it: result, errno or signal. The lines are the same with LIBRARY preloaded and without it.
 *
 * FILE: descriptors are of that one, an image or a plain file, and only the calls with a bad pointer are made.
 * A function that LIBRARY exports and that this program does not know is an error (exit 3). */

#include <aio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

/* Arguments, a letter each:
 *   p path    m mode of fopen    b buffer, or whatever the call writes or reads there    v iovec, a pair
 *   t timespec or timeval    W the same, for how long to wait: NULL would be for ever    o where a list or an offset is put    L list of one aiocb    a aiocb, of which the
 *   C library itself reads    f descriptor    d directory's descriptor    F stream    D directory's stream
 *   N no pointer, and needs none    l 64    c 16    x O_RDONLY and other zeroes    1 2 3 5 itself
 *   E AT_EMPTY_PATH    R FIONREAD    G F_GETLK    s size of a signal set    w AT_FDCWD
 * What it returns comes first: i int, l long, p pointer, v nothing. */
static const struct call {
    const char *name;
    const char *arguments;
    long number; /* 0, or one above the system call's, for syscall(2) */
} calls[] = {
    {"open", "ipx", 0}, {"open64", "ipx", 0}, {"__open", "ipx", 0}, {"__open64", "ipx", 0},
    {"__open_2", "ipx", 0}, {"__open64_2", "ipx", 0}, {"openat", "idpx", 0},
    {"openat64", "idpx", 0}, {"__openat_2", "idpx", 0}, {"__openat64_2", "idpx", 0},
    {"creat", "ipl", 0}, {"creat64", "ipl", 0},
    {"close", "if", 0}, {"__close", "if", 0}, {"close_range", "iff", 0}, {"closefrom", "v3", 0},
    {"dup", "if", 0}, {"dup2", "if5", 0}, {"__dup2", "if5", 0}, {"dup3", "if5x", 0},
    {"fcntl", "ifGb", 0}, {"fcntl64", "ifGb", 0}, {"__fcntl", "ifGb", 0}, {"flock", "if1", 0},
    {"lockf", "if3l", 0}, {"lockf64", "if3l", 0}, {"ioctl", "ifRb", 0}, {"isatty", "if", 0},
    {"recvmsg", "lfbx", 0}, {"recvmmsg", "ifb1xt", 0}, {"pidfd_getfd", "iffx", 0},
    {"read", "lfbl", 0}, {"__read", "lfbl", 0}, {"__read_chk", "lfbll", 0},
    {"write", "lfbl", 0}, {"__write", "lfbl", 0},
    {"pread", "lfblx", 0}, {"pread64", "lfblx", 0}, {"__pread64", "lfblx", 0},
    {"__pread_chk", "lfblxl", 0}, {"__pread64_chk", "lfblxl", 0},
    {"pwrite", "lfblx", 0}, {"pwrite64", "lfblx", 0}, {"__pwrite64", "lfblx", 0},
    {"readv", "lfv2", 0}, {"writev", "lfv2", 0}, {"preadv", "lfv2x", 0},
    {"preadv64", "lfv2x", 0}, {"pwritev", "lfv2x", 0}, {"pwritev64", "lfv2x", 0},
    {"preadv2", "lfv2xx", 0}, {"preadv64v2", "lfv2xx", 0}, {"pwritev2", "lfv2xx", 0},
    {"pwritev64v2", "lfv2xx", 0},
    {"lseek", "lf5x", 0}, {"lseek64", "lf5x", 0}, {"__lseek", "lf5x", 0}, {"llseek", "lf5x", 0},
    {"ftruncate", "if5", 0}, {"ftruncate64", "if5", 0}, {"truncate", "ip5", 0},
    {"truncate64", "ip5", 0}, {"fallocate", "ifxxl", 0}, {"fallocate64", "ifxxl", 0},
    {"posix_fallocate", "ifxl", 0}, {"posix_fallocate64", "ifxl", 0},
    {"posix_fadvise", "ifxlx", 0}, {"posix_fadvise64", "ifxlx", 0}, {"readahead", "lfxl", 0},
    {"fsync", "if", 0}, {"fdatasync", "if", 0}, {"sync_file_range", "ifxlx", 0}, {"syncfs", "if", 0},
    {"stat", "ipb", 0}, {"stat64", "ipb", 0}, {"__xstat", "i1pb", 0}, {"__xstat64", "i1pb", 0},
    {"lstat", "ipb", 0}, {"lstat64", "ipb", 0}, {"__lxstat", "i1pb", 0},
    {"__lxstat64", "i1pb", 0}, {"fstat", "ifb", 0}, {"fstat64", "ifb", 0},
    {"__fxstat", "i1fb", 0}, {"__fxstat64", "i1fb", 0}, {"fstatat", "idpbx", 0},
    {"fstatat", "ifpbE", 0}, {"fstatat64", "idpbx", 0}, {"fstatat64", "ifpbE", 0},
    {"__fxstatat", "i1dpbx", 0}, {"__fxstatat64", "i1fpbE", 0},
    {"statx", "idpx5b", 0}, {"statx", "ifpE5b", 0},
    {"statfs", "ipb", 0}, {"fstatfs", "ifb", 0}, {"fstatfs64", "ifb", 0}, {"statfs64", "ipb", 0},
    {"statvfs", "ipb", 0}, {"statvfs64", "ipb", 0}, {"fstatvfs", "ifb", 0}, {"fstatvfs64", "ifb", 0},
    {"access", "ipx", 0}, {"euidaccess", "ipx", 0}, {"eaccess", "ipx", 0}, {"faccessat", "idpxx", 0},
    {"readlink", "lpbl", 0}, {"__readlink_chk", "lpbll", 0}, {"readlinkat", "ldpbl", 0},
    {"__readlinkat_chk", "ldpbll", 0}, {"realpath", "ppN", 0}, {"realpath", "ppb", 0},
    {"__realpath_chk", "ppbk", 0}, {"canonicalize_file_name", "pp", 0},
    {"unlink", "ip", 0}, {"unlinkat", "idpx", 0}, {"remove", "ip", 0}, {"rmdir", "ip", 0},
    {"rename", "ipp", 0}, {"renameat", "idpdp", 0}, {"renameat2", "idpdpx", 0}, {"link", "ipp", 0},
    {"linkat", "idpdpx", 0}, {"symlink", "ipp", 0}, {"symlinkat", "ipdp", 0}, {"mkdir", "ipx", 0},
    {"mkdirat", "idpx", 0},
    {"chmod", "ipl", 0}, {"fchmod", "ifl", 0}, {"fchmodat", "idplx", 0}, {"chown", "ipxx", 0},
    {"lchown", "ipxx", 0}, {"fchown", "ifxx", 0}, {"fchownat", "idpxxx", 0},
    {"utimensat", "idptx", 0}, {"futimens", "ift", 0}, {"utime", "ipt", 0}, {"utimes", "ipt", 0},
    {"futimes", "ift", 0}, {"futimesat", "idpt", 0}, {"lutimes", "ipt", 0},
    {"getxattr", "lppbl", 0}, {"lgetxattr", "lppbl", 0},
    {"fgetxattr", "lfpbl", 0}, {"listxattr", "lpbl", 0}, {"llistxattr", "lpbl", 0},
    {"flistxattr", "lfbl", 0}, {"fsetxattr", "ifpblx", 0}, {"fremovexattr", "ifp", 0},
    {"fopen", "ppm", 0}, {"fopen64", "ppm", 0}, {"fdopen", "pfm", 0}, {"freopen", "ppmF", 0},
    {"freopen64", "ppmF", 0}, {"fileno", "iF", 0}, {"fileno_unlocked", "iF", 0},
    {"fclose", "iF", 0}, {"fflush", "iF", 0}, {"fflush_unlocked", "iF", 0}, {"fseek", "iF5x", 0},
    {"fseeko", "iF5x", 0}, {"fseeko64", "iF5x", 0}, {"fsetpos", "iFb", 0}, {"fsetpos64", "iFb", 0},
    {"rewind", "vF", 0}, {"fwide", "iFx", 0}, {"fgetwc", "iF", 0}, {"getwc", "iF", 0},
    {"fgetwc_unlocked", "iF", 0}, {"getwc_unlocked", "iF", 0}, {"getwchar", "i", 0},
    {"getwchar_unlocked", "i", 0}, {"ungetwc", "i5F", 0}, {"fgetws", "pbcF", 0},
    {"fgetws_unlocked", "pbcF", 0}, {"__fgetws_chk", "pblcF", 0},
    {"__fgetws_unlocked_chk", "pblcF", 0}, {"fputwc", "i5F", 0}, {"putwc", "i5F", 0},
    {"fputwc_unlocked", "i5F", 0}, {"putwc_unlocked", "i5F", 0}, {"putwchar", "i5", 0},
    {"putwchar_unlocked", "i5", 0}, {"fputws", "ibF", 0}, {"fputws_unlocked", "ibF", 0},
    {"vfwprintf", "iFbb", 0}, {"fwprintf", "iFb", 0}, {"vwprintf", "ibb", 0}, {"wprintf", "ib", 0},
    {"__vfwprintf_chk", "iF1bb", 0}, {"__fwprintf_chk", "iF1b", 0}, {"__vwprintf_chk", "i1bb", 0},
    {"__wprintf_chk", "i1b", 0},
    {"vfwscanf", "iFbb", 0}, {"fwscanf", "iFb", 0}, {"vwscanf", "ibb", 0}, {"wscanf", "ib", 0},
    {"__isoc99_vfwscanf", "iFbb", 0}, {"__isoc99_fwscanf", "iFb", 0},
    {"__isoc99_vwscanf", "ibb", 0}, {"__isoc99_wscanf", "ib", 0},
    {"__isoc23_vfwscanf", "iFbb", 0}, {"__isoc23_fwscanf", "iFb", 0},
    {"__isoc23_vwscanf", "ibb", 0}, {"__isoc23_wscanf", "ib", 0},
    {"opendir", "pp", 0}, {"fdopendir", "pf", 0}, {"readdir", "pD", 0}, {"readdir64", "pD", 0},
    {"readdir_r", "iDbo", 0}, {"readdir64_r", "iDbo", 0}, {"closedir", "iD", 0},
    {"rewinddir", "vD", 0}, {"telldir", "lD", 0}, {"seekdir", "vDx", 0}, {"dirfd", "iD", 0},
    {"scandir", "ipoNN", 0}, {"scandir64", "ipoNN", 0}, {"scandirat", "idpoNN", 0},
    {"scandirat64", "idpoNN", 0}, {"glob", "ipxNb", 0}, {"glob64", "ipxNb", 0},
    {"mmap", "pNl12fx", 0}, {"mmap64", "pNl12fx", 0},
    {"poll", "ib1x", 0}, {"__poll", "ib1x", 0}, {"__poll_chk", "ib1xk", 0}, {"ppoll", "ib1Wb", 0},
    {"__ppoll_chk", "ib1Wbk", 0}, {"select", "i1bbbW", 0}, {"pselect", "i1bbbWb", 0},
    {"epoll_ctl", "if1fb", 0},
    {"copy_file_range", "lfofolx", 0}, {"sendfile", "lffol", 0}, {"sendfile64", "lffol", 0},
    {"splice", "lfofol2", 0},
    {"chdir", "ip", 0}, {"fchdir", "if", 0}, {"getcwd", "pbk", 0}, {"__getcwd_chk", "pbkk", 0},
    {"get_current_dir_name", "p", 0},
    {"posix_spawn_file_actions_addopen", "ib5pxx", 0}, {"posix_spawn_file_actions_destroy", "ib", 0},
    {"io_setup", "i1o", 0}, {"io_queue_init", "i1o", 0}, {"io_destroy", "i5", 0},
    {"io_queue_release", "i5", 0}, {"io_submit", "i51o", 0}, {"io_getevents", "i511bt", 0},
    {"io_pgetevents", "i511btN", 0}, {"io_queue_wait", "i5t", 0}, {"io_queue_run", "i5", 0},
    {"aio_read", "ia", 0}, {"aio_read64", "ia", 0}, {"aio_write", "ia", 0}, {"aio_write64", "ia", 0},
    {"aio_fsync", "i1a", 0}, {"aio_fsync64", "i1a", 0}, {"aio_cancel", "ifN", 0},
    {"aio_cancel64", "ifN", 0}, {"aio_suspend", "iL1N", 0}, {"aio_suspend64", "iL1N", 0},
    {"lio_listio", "ixL1N", 0}, {"lio_listio64", "ixL1N", 0},
    {"_exit", "v5", 0}, {"_Exit", "v5", 0}, {"daemon", "", 0}, /* no pointers; and its result comes to another process */
    {"sigaction", "i5bb", 0}, {"__sigaction", "i5bb", 0}, {"signal", "p5N", 0}, {"bsd_signal", "p5N", 0},
    {"ssignal", "p5N", 0}, {"sysv_signal", "p5N", 0}, {"__sysv_signal", "p5N", 0},
    {"longjmp", "", 0}, {"_longjmp", "", 0}, {"siglongjmp", "", 0}, {"__longjmp_chk", "", 0}, /* do not return, nor fail */

    {"syscall", "lfbl", SYS_read + 1}, {"syscall", "lfbl", SYS_write + 1}, {"syscall", "lfblx", SYS_pread64 + 1},
    {"syscall", "lfblx", SYS_pwrite64 + 1}, {"syscall", "lfv2", SYS_readv + 1}, {"syscall", "lfv2", SYS_writev + 1},
    {"syscall", "lfv2x", SYS_preadv + 1}, {"syscall", "lfv2x", SYS_pwritev + 1},
    {"syscall", "lfv2xxx", SYS_preadv2 + 1}, {"syscall", "lfv2xxx", SYS_pwritev2 + 1},
    {"syscall", "lf5x", SYS_lseek + 1}, {"syscall", "lf", SYS_close + 1}, {"syscall", "lf", SYS_dup + 1},
    {"syscall", "lfGb", SYS_fcntl + 1}, {"syscall", "lf1", SYS_flock + 1}, {"syscall", "lfRb", SYS_ioctl + 1},
    {"syscall", "lfb", SYS_fstat + 1}, {"syscall", "lf", SYS_fsync + 1}, {"syscall", "lf", SYS_fdatasync + 1},
    {"syscall", "lf", SYS_syncfs + 1}, {"syscall", "lfxlx", SYS_sync_file_range + 1},
    {"syscall", "lf5", SYS_ftruncate + 1}, {"syscall", "lfxxl", SYS_fallocate + 1},
    {"syscall", "ldpx", SYS_openat + 1}, {"syscall", "ldpbx", SYS_newfstatat + 1},
    {"syscall", "lfpbE", SYS_newfstatat + 1}, {"syscall", "lwpx5b", SYS_statx + 1},
    {"syscall", "lfpE5b", SYS_statx + 1}, {"syscall", "ldpx", SYS_faccessat + 1},
    {"syscall", "ldpbl", SYS_readlinkat + 1}, {"syscall", "ldpx", SYS_unlinkat + 1},
    {"syscall", "lp5", SYS_truncate + 1}, {"syscall", "lf5x", SYS_dup3 + 1}, {"syscall", "l1o", SYS_io_setup + 1},
    {"syscall", "l5", SYS_io_destroy + 1}, {"syscall", "l51o", SYS_io_submit + 1},
    {"syscall", "l511bt", SYS_io_getevents + 1}, {"syscall", "l511bto", SYS_io_pgetevents + 1},
    {"syscall", "lff5", SYS_close_range + 1},
#ifdef SYS_open
    {"syscall", "lpx", SYS_open + 1}, {"syscall", "lpl", SYS_creat + 1}, {"syscall", "lpb", SYS_stat + 1},
    {"syscall", "lpb", SYS_lstat + 1}, {"syscall", "lpx", SYS_access + 1}, {"syscall", "lpbl", SYS_readlink + 1},
    {"syscall", "lp", SYS_unlink + 1}, {"syscall", "lpp", SYS_rename + 1}, {"syscall", "lf5", SYS_dup2 + 1},
#endif
};

#define CALLS (sizeof calls / sizeof *calls)
#define MAX_ARGUMENTS 8
#define PAGE 4096

static const char *folder;
static const char *given;

/* Filled anew in each child. */
static char buffer[4 * PAGE] __attribute__((aligned(PAGE)));
static struct iovec vectors[2];
static struct aiocb block;
static struct aiocb *blocks[1] = {&block};
static const char subject[] = "subject"; /* in the folder, which is the working directory */

static char *forbidden;         /* a page that nobody may touch, and behind it another */
static char *cut;               /* of a file that has become shorter */
static char *page_end[3];       /* strings without an end before the next page */
static struct result {
    bool has_returned;
    long value;
    int error;
} *outcome; /* shared with the children */

/* What a pointer may be. */
enum value { GOOD, NOTHING, LOW, FORBIDDEN, CUT, UNENDING, VALUES = UNENDING + 3 };

static const char *const value_names[VALUES] = {"good", "NULL",     "low",      "forbidden",
                                                "cut",  "/rbdw...", "abc/d...", "/proc/self/fd/..."};

static long by_system_call(long result)
{
    return result < 0 ? -errno : result;
}

/* libaio need not be there, a C library before 2.38 has none of the last standard's scanf, and llseek is a
 * name that it has for old programs only. */
static int plain_io_setup(long limit, void *id)
{
    return (int) by_system_call(syscall(SYS_io_setup, limit, id));
}

/* As libaio's, which writes to it first. */
static int plain_io_queue_init(long limit, void *id)
{
    *(volatile long *) id = 0;
    return plain_io_setup(limit, id);
}

static int plain_io_destroy(long id)
{
    return (int) by_system_call(syscall(SYS_io_destroy, id));
}

static int plain_io_submit(long id, long count, void *requests)
{
    return (int) by_system_call(syscall(SYS_io_submit, id, count, requests));
}

static int plain_io_getevents(long id, long least, long most, void *events, void *timeout)
{
    return (int) by_system_call(syscall(SYS_io_getevents, id, least, most, events, timeout));
}

static int plain_io_queue_run(long id)
{
    return plain_io_getevents(id, 0, 1, buffer, NULL);
}

static int plain_io_queue_wait(long id, void *timeout)
{
    return plain_io_getevents(id, 0, 0, NULL, timeout);
}

static void *function_of(const char *name)
{
    static const struct {
        const char *name;
        void *function;
    } plain[] = {
        {"__isoc23_vfwscanf", (void *) vfwscanf},        {"__isoc23_fwscanf", (void *) fwscanf},
        {"__isoc23_vwscanf", (void *) vwscanf},          {"__isoc23_wscanf", (void *) wscanf},
        {"io_setup", (void *) plain_io_setup},           {"io_queue_init", (void *) plain_io_queue_init},
        {"io_destroy", (void *) plain_io_destroy},       {"io_queue_release", (void *) plain_io_destroy},
        {"io_submit", (void *) plain_io_submit},         {"io_getevents", (void *) plain_io_getevents},
        {"io_pgetevents", (void *) plain_io_getevents},  {"io_queue_run", (void *) plain_io_queue_run},
        {"io_queue_wait", (void *) plain_io_queue_wait}, {"llseek", (void *) lseek},
    };
    void *function = dlsym(RTLD_DEFAULT, name);
    for (size_t i = 0; i < sizeof plain / sizeof *plain && function == NULL; i++) {
        function = strcmp(plain[i].name, name) == 0 ? plain[i].function : NULL;
    }
    return function;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static char *map_page(int protection, int fd)
{
    char *page = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    if (page == MAP_FAILED || mmap(page, PAGE, protection, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
        die("mmap");
    }
    return page;
}

static void prepare_pointers(void)
{
    forbidden = map_page(PROT_NONE, -1);
    int fd = memfd_create("cut", 0);
    if (fd < 0 || ftruncate(fd, PAGE) < 0) {
        die("memfd");
    }
    cut = map_page(PROT_READ | PROT_WRITE, fd);
    if (ftruncate(fd, 0) < 0) {
        die("ftruncate");
    }
    close(fd);
    for (int i = 0; i < 3; i++) {
        const char *text = value_names[UNENDING + i];
        size_t length = strlen(text) - 3;
        page_end[i] = map_page(PROT_READ | PROT_WRITE, -1) + PAGE - length;
        memcpy(page_end[i], text, length);
    }
    outcome = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED) {
        die("mmap");
    }
}

static bool is_pointer(char kind)
{
    return strchr("pmbvtWoLaFD", kind) != NULL;
}

/* What the C library reads itself kills with and without us, and a NULL stream's name is a matter of luck. */
static bool is_tried(char kind, int value)
{
    if (value >= UNENDING) {
        return kind == 'p';
    }
    if (value == NOTHING && kind == 'W') {
        return false;
    }
    return value == GOOD || !(kind == 'F' || kind == 'D' || kind == 'L' || kind == 'a');
}

static long bad_pointer(int value)
{
    return value == NOTHING     ? 0
           : value == LOW       ? 16
           : value == FORBIDDEN ? (long) forbidden
           : value == CUT       ? (long) cut
                                : (long) page_end[value - UNENDING];
}

static long good_argument(char kind, int fd)
{
    switch (kind) {
    case 'p':
        return (long) subject;
    case 'm':
        return (long) "r";
    case 'b':
    case 't':
    case 'W':
    case 'o':
        return (long) buffer;
    case 'v':
        return (long) vectors;
    case 'L':
        return (long) blocks;
    case 'a':
        return (long) &block;
    case 'F':
        return (long) fopen("/dev/null", "r");
    case 'D':
        return (long) opendir(".");
    case 'f':
        return fd;
    case 'd':
    case 'w':
        return AT_FDCWD;
    case 'l':
        return 64;
    case 'c':
        return 16;
    case 'k':
        return sizeof buffer;
    case 'E':
        return AT_EMPTY_PATH;
    case 'R':
        return 0x541B; /* FIONREAD */
    case 'G':
        return F_GETLK;
    case '1':
    case '2':
    case '3':
    case '5':
        return kind - '0';
    default:
        return 0;
    }
}

static void make_subject(void)
{
    int fd = openat(AT_FDCWD, subject, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, "subject", 7) != 7) {
        die(subject);
    }
    close(fd);
}

/* In a child. */
static void call_it(const struct call *call, void *function, int bad, int value, int second, int fd)
{
    long a[MAX_ARGUMENTS] = {0};
    int count = 0;
    vectors[0] = (struct iovec) {buffer, 16};
    vectors[1] = (struct iovec) {buffer + 64, 16};
    block = (struct aiocb) {.aio_fildes = -1};
    if (call->number != 0) {
        a[count++] = call->number - 1;
    }
    for (const char *kind = call->arguments + 1; *kind != '\0'; kind++) {
        int index = (int) (kind - call->arguments) - 1;
        bool is_bad = index == bad || index == second;
        a[count++] = is_bad ? bad_pointer(value) : good_argument(*kind, fd);
        if (is_bad && *kind == 'v' && second == -2) { /* the vector's second part is bad, not the vector */
            vectors[1].iov_base = (void *) a[count - 1];
            a[count - 1] = (long) vectors;
        }
    }
    long (*f)(long, long, long, long, long, long, long, long) = (__typeof(f)) function;
    errno = 0;
    long result = f(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    int error = errno;
    char kind = call->arguments[0];
    outcome->value = kind == 'i'   ? (int) result
                     : kind == 'v' ? 0
                     : kind == 'p' ? (result == 0 || result == -1 ? result : 1)
                                   : result;
    outcome->error = outcome->value == 0 || outcome->value == -1 ? error : 0;
    outcome->has_returned = true;
    _exit(0);
}

static void print_call(const struct call *call, int bad, int value, int second, const char *fd_name)
{
    printf("%s", call->name);
    if (call->number != 0) {
        printf(" %ld", call->number - 1);
    }
    printf("(%s) %s", call->arguments + 1, fd_name);
    if (bad >= 0) {
        printf(" argument %d%s %s", bad, second == -2 ? "'s second part" : second >= 0 ? " and the next" : "",
               value_names[value]);
    }
}

static void try_call(const struct call *call, void *function, int bad, int value, int second,
                     const char *fd_name)
{
    fflush(stdout);
    make_subject();
    memset(outcome, 0, sizeof *outcome);
    pid_t child = fork();
    if (child < 0) {
        die("fork");
    }
    if (child == 0) {
        int fd = -1;
        if (strcmp(fd_name, "file") == 0) {
            fd = open(given != NULL ? given : subject, O_RDWR);
        } else if (strcmp(fd_name, "folder") == 0) {
            fd = open(".", O_RDONLY | O_DIRECTORY);
        } else if (strcmp(fd_name, "closed") == 0) {
            fd = 777;
        }
        alarm(20);
        call_it(call, function, bad, value, second, fd);
    }
    int status;
    if (waitpid(child, &status, 0) != child) {
        die("waitpid");
    }
    print_call(call, bad, value, second, fd_name);
    if (WIFSIGNALED(status)) {
        printf(": signal %d\n", WTERMSIG(status));
    } else if (!outcome->has_returned) {
        printf(": exit %d\n", WEXITSTATUS(status));
    } else {
        printf(": %ld %s\n", outcome->value, outcome->error == 0 ? "" : strerrorname_np(outcome->error));
    }
}

/* All that is to be tried with one kind of descriptor. */
static void try_pointers(const struct call *call, void *function, const char *fd_name)
{
    const char *kinds = call->arguments + 1;
    if (given == NULL) {
        try_call(call, function, -1, GOOD, -1, fd_name);
    }
    for (int i = 0; kinds[i] != '\0'; i++) {
        for (int value = NOTHING; value < VALUES && is_pointer(kinds[i]); value++) {
            if (!is_tried(kinds[i], value) || (given != NULL && value == NOTHING && kinds[i] != 'p')) {
                continue; /* with NULL for a timeout or an offset it would wait, or do its work */
            }
            try_call(call, function, i, value, -1, fd_name);
            if (kinds[i] == 'v') {
                try_call(call, function, i, value, -2, fd_name);
            }
            for (int next = i + 1; kinds[next] != '\0'; next++) {
                if (is_pointer(kinds[next]) && is_tried(kinds[next], value) && value < UNENDING) {
                    try_call(call, function, i, value, next, fd_name);
                    break;
                }
            }
        }
    }
}

static void try_descriptors(const struct call *call)
{
    static const char *const descriptors[] = {"none", "closed", "file", "folder"};
    if (call->arguments[0] == '\0') {
        return;
    }
    void *function = function_of(call->name);
    if (function == NULL) {
        printf("%s: not in this C library\n", call->name);
        return;
    }
    bool has_descriptor = strchr(call->arguments + 1, 'f') != NULL;
    if (given != NULL) {
        if (has_descriptor) {
            try_pointers(call, function, "file");
        }
        return;
    }
    if (!has_descriptor) {
        try_pointers(call, function, "");
        return;
    }
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
        try_pointers(call, function, descriptors[i]);
    }
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (strcmp(calls[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* How many functions the library exports that are not in the table above. */
static int count_unknown(const char *library)
{
    int fd = open(library, O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) {
        die(library);
    }
    const char *file = mmap(NULL, (size_t) status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED) {
        die(library);
    }
    close(fd);
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *) file;
    const ElfW(Shdr) *sections = (const ElfW(Shdr) *) (file + header->e_shoff);
    int exported = 0;
    int unknown = 0;
    for (int i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_DYNSYM) {
            continue;
        }
        const ElfW(Sym) *symbols = (const ElfW(Sym) *) (file + sections[i].sh_offset);
        const char *names = file + sections[sections[i].sh_link].sh_offset;
        for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++) {
            if (symbols[k].st_shndx == SHN_UNDEF || (symbols[k].st_info & 0xf) != STT_FUNC) {
                continue;
            }
            exported++;
            if (!is_known(names + symbols[k].st_name)) {
                fprintf(stderr, "every_hook: no test of %s\n", names + symbols[k].st_name);
                unknown++;
            }
        }
    }
    return exported == 0 ? 1 : unknown;
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: every_hook LIBRARY FOLDER [FILE]\n");
        return 2;
    }
    folder = arguments[2];
    given = count > 3 ? arguments[3] : NULL;
    if (count_unknown(arguments[1]) > 0) {
        return 3;
    }
    static const struct rlimit no_core;
    setrlimit(RLIMIT_CORE, &no_core);
    if (chdir(folder) < 0) {
        die(folder);
    }
    prepare_pointers();
    for (size_t i = 0; i < CALLS; i++) {
        try_descriptors(&calls[i]);
    }
    return 0;
}
