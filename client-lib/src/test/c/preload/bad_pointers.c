/* bad_pointers FILE: gives addresses that are not there, cannot be written, or belong to a mapping of a file that was
 * cut, to calls on a file, and prints what came of it; then what becomes of the program's own handlers of the signals of
 * such addresses. FILE has 1 MiB; TMP_DIR is a folder of its own. Knows nothing of us. */

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#define PAGE 4096
#define PAGES 64 /* that are there, before one that is not */

static const char *path;
static int fd;
static char *there;    /* PAGES pages */
static char *nowhere;  /* right behind them */
static char *constant; /* a page that cannot be written */
static char *cut;      /* a page of a mapped file that was cut */

/* Keeps the compiler from knowing that an address is bad. */
static void *hidden(const void *address)
{
    void *volatile same = (void *) address;
    return same;
}

static void print(const char *what, long result)
{
    if (result < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
    } else {
        printf("%s: %ld\n", what, result);
    }
    fflush(stdout);
}

/* In a child: what ends it is printed, too. */
#define TRY(what, call)                                                                            \
    do {                                                                                           \
        fflush(stdout);                                                                            \
        pid_t child = fork();                                                                      \
        if (child == 0) {                                                                          \
            errno = 0;                                                                             \
            print(what, (long) (call));                                                            \
            _exit(0);                                                                              \
        }                                                                                          \
        int status = 0;                                                                            \
        waitpid(child, &status, 0);                                                                \
        if (WIFSIGNALED(status)) {                                                                 \
            printf("%s: signal %d\n", what, WTERMSIG(status));                                     \
        }                                                                                          \
    } while (0)

static void *map(size_t length, int protection)
{
    void *memory = mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

static void prepare(void)
{
    char name[4096];
    there = map((PAGES + 1) * PAGE, PROT_READ | PROT_WRITE);
    nowhere = there + PAGES * PAGE;
    memset(there, 'x', PAGES * PAGE);
    mprotect(nowhere, PAGE, PROT_NONE);
    constant = map(PAGE, PROT_READ);
    snprintf(name, sizeof name, "%s/cut", getenv("TMP_DIR"));
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ftruncate(file, PAGE) < 0) {
        perror(name);
        exit(1);
    }
    cut = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (cut == MAP_FAILED || ftruncate(file, 0) < 0) {
        perror(name);
        exit(1);
    }
    close(file);
    unlink(name);
}

static void transfer(const char *where, void *bad)
{
    struct iovec one = {bad, 100};
    struct iovec second[2] = {{there, 100}, {bad, 100}};
    printf("-- %s\n", where);
    TRY("read", read(fd, bad, 100));
    TRY("and stays where it is", read(fd, bad, 100) < 0 ? lseek(fd, 0, SEEK_CUR) : -2);
    TRY("pread", pread(fd, bad, 100, 10));
    TRY("pread of nothing", pread(fd, bad, 0, 10));
    TRY("readv", readv(fd, &one, 1));
    TRY("readv of the second", readv(fd, second, 2));
    TRY("preadv", preadv(fd, &one, 1, 10));
    TRY("preadv2", preadv2(fd, second, 2, 10, 0));
    for (int i = 0; i < 4; i++) { /* in sequence, as much is read ahead */
        pread(fd, there, 100, i * 100);
    }
    TRY("pread in sequence", pread(fd, bad, 100, 400));
}

static void give(const char *where, void *bad)
{
    struct iovec one = {bad, 100};
    struct iovec second[2] = {{there, 100}, {bad, 100}};
    printf("-- %s\n", where);
    TRY("write", write(fd, bad, 100));
    TRY("pwrite", pwrite(fd, bad, 100, 10));
    TRY("pwrite of much", pwrite(fd, bad, 900000, 10));
    TRY("writev", writev(fd, &one, 1));
    TRY("pwritev", pwritev(fd, &one, 1, 10));
    TRY("pwritev of the second", pwritev(fd, second, 2, 10));
}

/* How many bytes are before the fault: of reads the kernel tells it to the byte. */
static void partly(void)
{
    printf("-- partly\n");
    static const size_t befores[] = {1, 63, 4096, 5000, PAGES * PAGE};
    for (size_t i = 0; i < sizeof befores / sizeof *befores; i++) {
        TRY("pread", pread(fd, nowhere - befores[i], befores[i] + 100, 0));
        TRY("read", read(fd, nowhere - befores[i], befores[i] + 600000));
        TRY("and goes on there", read(fd, nowhere - befores[i], befores[i] + 100) < 0 ? -1 : lseek(fd, 0, SEEK_CUR));
    }
    /* of writes it is a whole number of its pages, and more is not promised */
    TRY("pwrite", pwrite(fd, nowhere - 8192, 20000, 0));
    TRY("pwrite of much", pwrite(fd, nowhere - 16 * 4096, 900000, 8192));
}

/* Sets that the kernel could read, and cannot write its answer to; and some of which a part is not there. */
static void sets(void)
{
    void *bad = hidden(nowhere);
    struct pollfd *constant_set = hidden(constant);
    struct pollfd *half = (struct pollfd *) (nowhere - sizeof *half);
    fd_set *constant_fds = (fd_set *) hidden(constant + PAGE / 2);
    struct timeval at_once = {0, 0};
    fd_set good;
    mprotect(constant, PAGE, PROT_READ | PROT_WRITE);
    *constant_set = (struct pollfd) {fd, POLLIN, 0};
    FD_ZERO(constant_fds);
    FD_SET(fd, constant_fds);
    mprotect(constant, PAGE, PROT_READ);
    *half = (struct pollfd) {fd, POLLIN, 0};
    FD_ZERO(&good);
    FD_SET(fd, &good);
    printf("-- sets\n");
    TRY("poll of a constant", poll(constant_set, 1, 0));
    TRY("poll of a constant and what is no image", poll(constant_set, 2, 0));
    TRY("poll of a half", poll(half, 2, 0));
    TRY("select of a constant", select(fd + 1, constant_fds, NULL, NULL, &at_once));
    TRY("select of a constant to write", select(fd + 1, NULL, constant_fds, NULL, &at_once));
    TRY("select of a good one and a constant", select(fd + 1, &good, constant_fds, NULL, &at_once));
    TRY("select of a good one and a bad one", select(fd + 1, &good, bad, NULL, &at_once));
    TRY("select of a good one and an exceptional bad one", select(fd + 1, &good, NULL, bad, &at_once));
    TRY("pselect of a constant", pselect(fd + 1, constant_fds, NULL, NULL, NULL, NULL));
    TRY("select of good ones", select(fd + 1, &good, NULL, NULL, &at_once));
}

static void structures(void)
{
    void *bad = hidden(nowhere);
    volatile int below_zero = -1;
    off_t offset = 0;
    int other = open(path, O_RDWR);
    struct pollfd *set = (struct pollfd *) bad;
    fd_set *fds = (fd_set *) bad;
    struct timeval at_once = {0, 0};
    printf("-- structures\n");
    TRY("vector", readv(fd, bad, 1));
    TRY("vector to write", writev(fd, bad, 1));
    TRY("vector that ends", preadv(fd, (struct iovec *) (nowhere - sizeof(struct iovec)), 2, 0));
    TRY("vector and a bad count", readv(fd, bad, below_zero));
    TRY("fstat", fstat(fd, bad));
    TRY("stat", stat(path, bad));
    TRY("lstat", lstat(path, bad));
    TRY("fstatat", fstatat(AT_FDCWD, path, bad, 0));
    TRY("stat of what is not there", stat("/none", bad));
    TRY("statx", statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, bad));
    TRY("statx of the descriptor", statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, bad));
    TRY("fstat into a constant", fstat(fd, hidden(constant)));
    TRY("statfs", statfs(path, bad));
    TRY("fstatfs", fstatfs(fd, bad));
    TRY("fcntl F_GETLK", fcntl(fd, F_GETLK, bad));
    TRY("fcntl F_SETLK", fcntl(fd, F_SETLK, bad));
    TRY("ioctl FIONREAD", ioctl(fd, FIONREAD, bad));
    TRY("ioctl FIGETBSZ", ioctl(fd, FIGETBSZ, bad));
    TRY("ioctl FIONBIO", ioctl(fd, FIONBIO, bad));
    TRY("utimensat", utimensat(AT_FDCWD, path, bad, 0));
    TRY("futimens", futimens(fd, bad));
    TRY("copy_file_range", copy_file_range(fd, bad, other, &offset, 100, 0));
    TRY("copy_file_range to", copy_file_range(fd, &offset, other, bad, 100, 0));
    TRY("sendfile", sendfile(other, fd, bad, 100));
    TRY("poll", poll(set, 1, 0));
    TRY("ppoll", ppoll(set, 1, NULL, NULL));
    TRY("select", select(fd + 1, fds, NULL, NULL, &at_once));
    TRY("select to write", select(fd + 1, NULL, fds, NULL, &at_once));
    TRY("open", open(bad, O_RDONLY));
    TRY("readlink", readlink("/proc/self/exe", bad, 100));
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    TRY("readlink of the descriptor", readlink(link, bad, 100));
    TRY("readlinkat of the descriptor", readlinkat(AT_FDCWD, link, bad, 100));
    TRY("readlink of the descriptor by number", syscall(SYS_readlink, link, bad, 100));
    close(other);
}

static long by_posix_aio(bool is_write, void *buffer, size_t length)
{
    struct aiocb block = {.aio_fildes = fd, .aio_buf = buffer, .aio_nbytes = length};
    const struct aiocb *list[] = {&block};
    if ((is_write ? aio_write(&block) : aio_read(&block)) < 0) {
        return -1;
    }
    while (aio_error(&block) == EINPROGRESS) {
        aio_suspend(list, 1, NULL);
    }
    errno = aio_error(&block);
    return aio_return(&block);
}

static long by_linux_aio(int operation, void *buffer, size_t length, bool bad_events)
{
    aio_context_t context = 0;
    struct iocb block = {.aio_fildes = (uint32_t) fd,
                         .aio_lio_opcode = (uint16_t) operation,
                         .aio_buf = (uintptr_t) buffer,
                         .aio_nbytes = length};
    struct iocb *blocks[] = {&block};
    struct io_event event;
    if (syscall(SYS_io_setup, 4, &context) < 0 || syscall(SYS_io_submit, context, 1, blocks) < 0
        || syscall(SYS_io_getevents, context, 1, 1, bad_events ? (void *) nowhere : &event, NULL) < 0) {
        return -1;
    }
    errno = event.res < 0 ? (int) -event.res : 0;
    return event.res < 0 ? -1 : (long) event.res;
}

static long submit(void *list)
{
    aio_context_t context = 0;
    return syscall(SYS_io_setup, 4, &context) < 0 ? -1 : syscall(SYS_io_submit, context, 1, list);
}

static void asynchronous(void)
{
    void *bad = hidden(nowhere);
    struct iocb *elsewhere = bad;
    printf("-- asynchronous\n");
    TRY("aio_read", by_posix_aio(false, bad, 100));
    TRY("aio_write", by_posix_aio(true, bad, 100));
    TRY("aio_read of a part", by_posix_aio(false, nowhere - 100, 200));
    TRY("io_submit of a read", by_linux_aio(IOCB_CMD_PREAD, bad, 100, false));
    TRY("io_submit of a write", by_linux_aio(IOCB_CMD_PWRITE, bad, 100, false));
    TRY("io_submit of a vector", by_linux_aio(IOCB_CMD_PREADV, bad, 1, false));
    TRY("io_submit of a list", submit(bad));
    TRY("io_submit of a request", submit(&elsewhere));
    TRY("io_getevents", by_linux_aio(IOCB_CMD_PREAD, there, 100, true));
}

static sigjmp_buf target;
static volatile sig_atomic_t handled;
static volatile uintptr_t handled_at;

static void jump(int signal)
{
    handled = signal;
    siglongjmp(target, 1);
}

static void jump_with_information(int signal, siginfo_t *info, void *context)
{
    (void) context;
    handled_at = (uintptr_t) info->si_addr;
    jump(signal);
}

static void count(int signal)
{
    (void) signal;
    handled++;
}

static long touch(volatile char *address)
{
    if (sigsetjmp(target, 1) == 0) {
        *address = 1;
        return -2;
    }
    return handled;
}

static long set(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    return sigaction(signal, &action, NULL);
}

static long touch_with_information(void)
{
    struct sigaction action = {.sa_sigaction = jump_with_information, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    long signal = touch(nowhere + 123);
    return handled_at == (uintptr_t) nowhere + 123 ? signal : -2;
}

static long read_and_touch(void)
{
    set(SIGSEGV, jump, 0);
    set(SIGBUS, jump, 0);
    bool fails = pread(fd, hidden(nowhere), 100, 0) < 0 && errno == EFAULT;
    bool fails_cut = pwrite(fd, hidden(cut), 100, 0) < 0 && errno == EFAULT;
    return fails && fails_cut && touch(nowhere) == SIGSEGV && touch(cut) == SIGBUS ? 0 : -2;
}

static long is_told(void)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART | SA_NODEFER};
    struct sigaction seen[3];
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &action, &seen[0]);
    sigaction(SIGSEGV, NULL, &seen[1]);
    sighandler_t before = signal(SIGSEGV, jump);
    sigaction(SIGSEGV, NULL, &seen[2]);
    int known = SA_RESTART | SA_NODEFER | SA_SIGINFO | SA_ONSTACK | (int) SA_RESETHAND;
    printf("before %d, then %d, flags %x, mask %d, by signal %d, flags %x\n",
           seen[0].sa_handler == SIG_DFL, seen[1].sa_handler == count,
           (unsigned) (seen[1].sa_flags & known), sigismember(&seen[1].sa_mask, SIGUSR1), before == count,
           (unsigned) (seen[2].sa_flags & known));
    return seen[2].sa_handler == jump ? 0 : -2;
}

static long raise_with(void (*handler)(int), int flags)
{
    set(SIGSEGV, handler, flags);
    raise(SIGSEGV);
    return handled;
}

static long raise_twice_reset(void)
{
    raise_with(count, (int) SA_RESETHAND);
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    printf("reset %d\n", now.sa_handler == SIG_DFL);
    fflush(stdout);
    raise(SIGSEGV);
    return -2;
}

static long stack_of_handler;

static void note_stack(int signal)
{
    char here;
    stack_of_handler = (long) (uintptr_t) &here;
    jump(signal);
}

/* By a stack that has no more room: the handler has one of its own. */
static __attribute__((noinline)) int go_deep(volatile char *from, uint64_t steps)
{
    volatile char room[10000];
    room[0] = *from;
    return steps == 0 ? 0 : room[0] + go_deep(room, steps - 1);
}

static long overflow(void)
{
    static char own[65536];
    stack_t stack = {.ss_sp = own, .ss_size = sizeof own};
    struct rlimit limit = {1 << 20, 1 << 20};
    char first = 0;
    setrlimit(RLIMIT_STACK, &limit);
    sigaltstack(&stack, NULL);
    set(SIGSEGV, note_stack, SA_ONSTACK);
    if (sigsetjmp(target, 1) == 0) {
        return go_deep(&first, UINT64_MAX);
    }
    return stack_of_handler >= (long) (uintptr_t) own && stack_of_handler < (long) (uintptr_t) (own + sizeof own)
               ? 0
               : -2;
}

static long touch_nothing_set(void)
{
    *(volatile char *) nowhere = 1;
    return -2;
}

static void *read_badly(void *argument)
{
    (void) argument;
    for (int i = 0; i < 2000; i++) {
        if (pread(fd, hidden(nowhere - i % 100), 200, i) != (i % 100 == 0 ? -1 : i % 100)) {
            return (void *) 1;
        }
    }
    return NULL;
}

static long by_threads(void)
{
    pthread_t threads[4];
    long wrong = 0;
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, read_badly, NULL);
    }
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        wrong += (long) result;
    }
    return wrong;
}

static void handlers(void)
{
    printf("-- handlers\n");
    TRY("of SIGSEGV", set(SIGSEGV, jump, 0) < 0 ? -1 : touch(nowhere));
    TRY("of SIGBUS", set(SIGBUS, jump, 0) < 0 ? -1 : touch(cut));
    TRY("with information", touch_with_information());
    TRY("beside calls", read_and_touch());
    TRY("told", is_told());
    TRY("none", touch_nothing_set());
    TRY("ignored", set(SIGSEGV, SIG_IGN, 0) < 0 ? -1 : touch_nothing_set());
    TRY("sent", raise_with(count, 0));
    TRY("sent and ignored", raise_with(SIG_IGN, 0));
    TRY("sent by default", raise_with(SIG_DFL, 0));
    TRY("reset", raise_twice_reset());
    TRY("an overflow of the stack", overflow());
    TRY("threads", by_threads());
}

int main(int count, char **arguments)
{
    struct rlimit none = {0, 0};
    if (count != 2) {
        return 2;
    }
    path = arguments[1];
    setrlimit(RLIMIT_CORE, &none);
    prepare();
    TRY("stat before any open", stat(path, hidden(nowhere)));
    TRY("statx before any open", statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, hidden(nowhere)));
    TRY("statfs before any open", statfs(path, hidden(nowhere)));
    TRY("utimensat before any open", utimensat(AT_FDCWD, path, hidden(nowhere), 0));
    struct sigaction before = {.sa_handler = jump};
    TRY("set before the open", sigaction(SIGSEGV, &before, NULL) < 0       ? -1
                               : (fd = open(path, O_RDWR)) < 0             ? -1
                               : pread(fd, hidden(nowhere), 10, 0) != -1 ? -2
                                                                           : touch(nowhere));
    fd = open(path, O_RDWR);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    transfer("read into what is not there", hidden(nowhere));
    transfer("read into a constant", hidden(constant));
    transfer("read into a mapping that was cut", hidden(cut));
    transfer("read into the kernel's", hidden((void *) UINTPTR_MAX));
    transfer("read into no address at all", hidden((void *) (UINTPTR_MAX / 3)));
    give("write what is not there", hidden(nowhere));
    give("write what was cut", hidden(cut));
    give("write the kernel's", hidden((void *) (UINTPTR_MAX - PAGE)));
    partly();
    structures();
    sets();
    asynchronous();
    handlers();
    return 0;
}
