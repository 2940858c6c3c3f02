// A signal handler throws an exception out of calls, again and again, beside a thread that is not disturbed.
//
//     leave_by_exception FILE TIMES [after-io]     after-io: the handler reads and writes before

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <ucontext.h>
#include <unistd.h>

extern "C" const char __executable_start;
extern "C" const char etext;

namespace {

struct Interrupted {};

int fd;
bool does_io;
std::atomic<bool> is_armed;
std::atomic<bool> ended;
char large[256 * 1024];

void require(bool condition, const char *what)
{
    if (!condition) {
        std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
        _exit(1);
    }
}

uintptr_t interrupted_at(const ucontext_t *context)
{
#if defined(__x86_64__)
    return static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
#else
    return context->uc_mcontext.pc;
#endif
}

// Only out of calls: of the program's own code the compiler knows which instructions throw.
void handle(int, siginfo_t *, void *context)
{
    uintptr_t at = interrupted_at(static_cast<ucontext_t *>(context));
    bool is_own = at >= reinterpret_cast<uintptr_t>(&__executable_start)
                  && at < reinterpret_cast<uintptr_t>(&etext);
    if (!is_own && is_armed.exchange(false)) {
        char bytes[100];
        require(!does_io || pread(fd, bytes, sizeof bytes, 2 << 20) == sizeof bytes, "read in the handler");
        require(!does_io || pwrite(fd, bytes, sizeof bytes, 2 << 20) == sizeof bytes, "write in the handler");
        throw Interrupted();
    }
}

void *shoot(void *victim)
{
    for (unsigned i = 0; !ended; i++) {
        usleep(i * 37 % 300);
        if (is_armed) {
            pthread_kill(*static_cast<pthread_t *>(victim), SIGUSR1);
        }
    }
    return nullptr;
}

void *work(void *)
{
    for (uint64_t i = 0; !ended; i++) {
        uint64_t seen = 0;
        require(pwrite(fd, &i, sizeof i, 1 << 20) == sizeof i, "write beside");
        require(pread(fd, &seen, sizeof seen, 1 << 20) == sizeof seen && seen == i, "read beside");
    }
    return nullptr;
}

// Has nothing to unwind, so that an exception may come from any instruction.
__attribute__((noinline)) void call_until_left()
{
    is_armed = true;
    for (unsigned i = 0; is_armed; i++) {
        if (i % 3 == 0) {
            (void) !pread(fd, large, sizeof large, 0);
        } else if (i % 3 == 1) {
            (void) !pwrite(fd, large, 4096, 4096);
        } else {
            fsync(fd);
        }
    }
}

} // namespace

int main(int count, char **arguments)
{
    require(count == 3 || count == 4, "usage");
    does_io = count == 4 && std::strcmp(arguments[3], "after-io") == 0;
    fd = open(arguments[1], O_RDWR);
    require(fd >= 0, "open");
    pthread_t self = pthread_self();
    pthread_t others[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    pthread_create(&others[0], nullptr, shoot, &self);
    pthread_create(&others[1], nullptr, work, nullptr);
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, nullptr);
    uint64_t times = std::strtoull(arguments[2], nullptr, 10);
    for (uint64_t i = 0; i < times; i++) {
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr); // the handler did not return
        try {
            call_until_left();
            require(false, "not left");
        } catch (const Interrupted &) {
        }
        uint64_t seen = 0;
        require(pwrite(fd, &i, sizeof i, 0) == sizeof i, "write");
        require(pread(fd, &seen, sizeof seen, 0) == sizeof seen && seen == i, "read");
    }
    ended = true;
    for (pthread_t other : others) {
        pthread_join(other, nullptr);
    }
    require(close(fd) == 0, "close");
    std::puts("left by exceptions");
    return 0;
}
