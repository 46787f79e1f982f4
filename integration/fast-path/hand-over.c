/*
 * hand-over FILE SOCKET: the fast path of custom-dfn, for every system that the package runs on. Sends an alert of one line
 * to the forwarder and waits for the first line of its answer, 50 ms in all: the tail of alerts.json is on, and has the
 * alert as well.
 *
 * Leaves with 0: handed over, or left to the tail. 3: nothing was done, the bundled way is to do it: the file is not one
 * line that holds an object, or the system refuses what every call needs. No text is written, nothing is configured, no
 * other file is opened; integratord runs it as its own user, and the kernel says to the forwarder who that is.
 *
 * It has its own entry point, because the compiler's would bind it to the C library of the machine that it is built on:
 * test/integration/hand-over.test.ts checks that it needs nothing that glibc 2.28 lacks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DONE 0
#define NOT_MINE 3

/* What custom-dfn takes of a file, by every way. */
#define MAX_FILE_BYTES (16l * 1024 * 1024)
/* An answer is one line, and is not judged here. */
#define MAX_ANSWER_BYTES 512
#define WAIT_MS 50

__attribute__((noreturn)) void leave_by(char **stack);

#if defined(__x86_64__)
__asm__(".text\n.globl _start\n.type _start, @function\n_start:\n"
        "endbr64\nxor %ebp, %ebp\nmov %rsp, %rdi\nand $-16, %rsp\ncall leave_by\nhlt\n.size _start, .-_start\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl _start\n.type _start, %function\n_start:\n"
        "hint #34\nmov x29, #0\nmov x30, #0\nmov x0, sp\nbl leave_by\nbrk #0\n.size _start, .-_start\n");
#else
#error "no entry point for this processor"
#endif

/* Milliseconds of a clock that nobody sets. */
static long long now_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) _exit(NOT_MINE);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the socket can do it, or leaves: the tail has the alert. */
static void await(int fd, short events, long long deadline_ms)
{
    long long left = deadline_ms - now_ms();
    struct pollfd polled = {.fd = fd, .events = events};
    if (left <= 0 || poll(&polled, 1, (int)left) != 1) _exit(DONE);
}

/* The whole file, which is one line that begins and ends as an object does. Leaves if it is anything else. */
static const char *read_alert(const char *path, size_t *length)
{
    /* A pipe or a device would keep integratord waiting. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) _exit(NOT_MINE);
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 3 || size > MAX_FILE_BYTES || lseek(fd, 0, SEEK_SET) != 0) _exit(NOT_MINE);
    size_t room = (size_t)size + 1;
    char *alert = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (alert == MAP_FAILED) _exit(NOT_MINE);
    size_t have = 0;
    for (;;) {
        ssize_t count = read(fd, alert + have, room - have);
        if (count < 0) _exit(NOT_MINE);
        if (count == 0) break;
        have += (size_t)count;
        if (have == room) _exit(NOT_MINE); /* it grows */
    }
    if (have < 3 || alert[0] != '{' || alert[have - 2] != '}' || alert[have - 1] != '\n') _exit(NOT_MINE);
    if (memchr(alert, '\n', have) != alert + have - 1) _exit(NOT_MINE);
    *length = have;
    return alert;
}

/* A socket that never waits, connected; leaves if nobody listens, or the queue of those who wait is full. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) _exit(NOT_MINE);
    memcpy(address.sun_path, path, length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) _exit(NOT_MINE);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) _exit(DONE);
    return fd;
}

/* @param stack as the kernel leaves it: the number of arguments, then the arguments */
__attribute__((noreturn, used)) void leave_by(char **stack)
{
    if ((size_t)stack[0] != 3) _exit(NOT_MINE);
    size_t length;
    const char *alert = read_alert(stack[2], &length);
    long long deadline_ms = now_ms() + WAIT_MS;
    int fd = connect_to(stack[3]);
    while (length > 0) {
        ssize_t count = send(fd, alert, length, MSG_NOSIGNAL);
        if (count >= 0) {
            alert += count;
            length -= (size_t)count;
        } else if (errno == EAGAIN) {
            await(fd, POLLOUT, deadline_ms);
        } else if (errno != EINTR) {
            _exit(DONE);
        }
    }
    /* The answer means that the forwarder has it: integratord is not to run ahead of it. */
    char answer[MAX_ANSWER_BYTES];
    size_t have = 0;
    while (have < sizeof answer) {
        await(fd, POLLIN, deadline_ms);
        ssize_t count = recv(fd, answer + have, sizeof answer - have, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count <= 0 || memchr(answer + have, '\n', (size_t)count) != NULL) break;
        have += (size_t)count;
    }
    _exit(DONE);
}
