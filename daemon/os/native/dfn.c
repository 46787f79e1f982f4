/*
 * The system calls that Node does not offer, as functions of a Node-API module. daemon/os/native.ts is the only caller.
 *
 * A function takes exactly the arguments that its comment names. Each is checked for type and range before a system call
 * sees it: what does not fit is a TypeError or RangeError, and nothing was done. A system call that fails gives its
 * negative errno as the result; native.ts makes the name of it. There is no state in here, nothing is kept between calls,
 * and every buffer has a fixed size or a fixed limit, so that any thread may load it and no caller can make it grow.
 *
 * Only symbols that glibc 2.28 has, in the versions that it has them: test/integration/native-file.test.ts checks that.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <node_api.h>

#include "record-digests.h"

/* Counted up when a function changes, so that a bundle is not used with the native file of another release. */
#define INTERFACE_VERSION 3

#define MAX_ARGUMENTS 3
/* The largest datagram that is handed to the kernel. Its own limit, net.core.wmem_max, is below that by default. */
#define MAX_DATAGRAM_BYTES (16u * 1024 * 1024)
/* The largest piece that is copied out of the page cache in one call: less than 1 ms of a thread that waits for it. */
#define MAX_CACHED_BYTES (1024u * 1024)
/* 2^53 - 1: whole numbers up to there are exact in JavaScript. */
#define MAX_POSITION 9007199254740991.0
/* LOGIN_NAME_MAX is 256 on Linux, directory services allow as much. */
#define MAX_NAME_BYTES 256u
/* What getpwnam_r and getgrnam_r may need for one entry: a group has the names of all its members in it. */
#define MIN_ENTRY_BYTES 4096u
#define MAX_ENTRY_BYTES (1024u * 1024)
/* The range that malloc takes for M_MMAP_THRESHOLD, from a page on: mallopt(3), HEAP_MAX_SIZE / 2 on 64 bits. */
#define MIN_THRESHOLD_BYTES 4096
#define MAX_THRESHOLD_BYTES (32 * 1024 * 1024)

/* Leaves an exception behind, unless there is one already. */
static napi_value type_error(napi_env env, const char *text)
{
    bool is_pending = false;
    if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending) napi_throw_type_error(env, NULL, text);
    return NULL;
}

static napi_value number(napi_env env, double value)
{
    napi_value result;
    return napi_create_double(env, value, &result) == napi_ok ? result : type_error(env, "cannot make a number");
}

/* The result of a system call that has just returned -1, else 0. */
static napi_value outcome(napi_env env, int returned)
{
    return number(env, returned == -1 ? -errno : 0);
}

/* Exactly this many arguments. False: an exception is pending. */
static bool take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value values[MAX_ARGUMENTS])
{
    size_t given = MAX_ARGUMENTS;
    if (napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok && given == count) return true;
    type_error(env, "wrong number of arguments");
    return false;
}

static bool is_of_type(napi_env env, napi_value value, napi_valuetype wanted)
{
    napi_valuetype type;
    return napi_typeof(env, value, &type) == napi_ok && type == wanted;
}

/* A whole number from min to max. False: an exception is pending. */
static bool take_int(napi_env env, napi_value value, int min, int max, int *result)
{
    double given;
    if (!is_of_type(env, value, napi_number) || napi_get_value_double(env, value, &given) != napi_ok) {
        type_error(env, "not a number");
        return false;
    }
    /* NaN fails both comparisons; only what fits is converted, since the rest is undefined in C. */
    if (!(given >= min && given <= max) || given != (double)(int)given) {
        napi_throw_range_error(env, NULL, "not a whole number in the range");
        return false;
    }
    *result = (int)given;
    return true;
}

static bool take_descriptor(napi_env env, napi_value value, int *fd)
{
    return take_int(env, value, 0, INT_MAX, fd);
}

/* A place in a file. False: an exception is pending. */
static bool take_position(napi_env env, napi_value value, off_t *position)
{
    double given;
    if (!is_of_type(env, value, napi_number) || napi_get_value_double(env, value, &given) != napi_ok) {
        type_error(env, "not a number");
        return false;
    }
    if (!(given >= 0 && given <= MAX_POSITION) || given != (double)(off_t)given) {
        napi_throw_range_error(env, NULL, "not a position in a file");
        return false;
    }
    *position = (off_t)given;
    return true;
}

/* What a Buffer or another view has, which stays where it is during the call. False: an exception is pending. */
static bool take_bytes(napi_env env, napi_value value, void **bytes, size_t *length)
{
    bool is_buffer = false;
    if (napi_is_buffer(env, value, &is_buffer) == napi_ok && is_buffer &&
        napi_get_buffer_info(env, value, bytes, length) == napi_ok)
        return true;
    type_error(env, "not bytes");
    return false;
}

/*
 * A string of 1 to max bytes as UTF-8. `text` has room for max + 5 bytes: what is cut off there ends at a whole
 * character, which has at most four bytes, so that a longer string leaves more than max. Not ended by a NUL that counts:
 * the string may hold some. False: an exception is pending.
 */
static bool take_text(napi_env env, napi_value value, char *text, size_t max, size_t *length)
{
    if (!is_of_type(env, value, napi_string) ||
        napi_get_value_string_utf8(env, value, text, max + 5, length) != napi_ok) {
        type_error(env, "not a string");
        return false;
    }
    if (*length >= 1 && *length <= max) return true;
    napi_throw_range_error(env, NULL, "a string that is empty or too long");
    return false;
}

/*
 * connectDatagram(path: string): a Unix datagram socket that is connected, does not block, and is inherited by no child
 * process. A path that begins with a NUL is an abstract name (unix(7)), whose length counts.
 */
static napi_value connect_datagram(napi_env env, napi_callback_info info)
{
    napi_value arguments[MAX_ARGUMENTS];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_MAX + 5];
    size_t length;
    if (!take_arguments(env, info, 1, arguments) || !take_text(env, arguments[0], path, PATH_MAX, &length)) return NULL;

    bool is_abstract = path[0] == '\0';
    if (is_abstract ? length < 2 : memchr(path, '\0', length) != NULL) return number(env, -EINVAL);
    size_t used = is_abstract ? length : length + 1;
    if (used > sizeof address.sun_path) return number(env, -ENAMETOOLONG);
    memcpy(address.sun_path, path, length);

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) return number(env, -errno);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + used);
    if (connect(fd, (const struct sockaddr *)&address, size) == -1) {
        int reason = errno;
        close(fd);
        return number(env, -reason);
    }
    return number(env, fd);
}

/* sendDatagram(fd: number, bytes: Uint8Array): sent without waiting and without SIGPIPE. */
static napi_value send_datagram(napi_env env, napi_callback_info info)
{
    napi_value arguments[MAX_ARGUMENTS];
    int fd;
    void *bytes = NULL;
    size_t length = 0;
    if (!take_arguments(env, info, 2, arguments) || !take_descriptor(env, arguments[0], &fd) ||
        !take_bytes(env, arguments[1], &bytes, &length))
        return NULL;
    if (length > MAX_DATAGRAM_BYTES) return number(env, -EMSGSIZE);
    ssize_t sent = send(fd, bytes != NULL ? bytes : "", length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return outcome(env, sent == -1 ? -1 : 0);
}

/*
 * readCached(fd: number, bytes: Uint8Array, position: number): preadv2(2) with RWF_NOWAIT, the number of bytes read.
 * The kernel copies what it has in memory and never waits for a disk; -EAGAIN when it would have to, -EOPNOTSUPP from a
 * file system that cannot promise that, a network file system above all.
 */
static napi_value read_cached(napi_env env, napi_callback_info info)
{
    napi_value arguments[MAX_ARGUMENTS];
    int fd;
    void *bytes = NULL;
    size_t length = 0;
    off_t position;
    if (!take_arguments(env, info, 3, arguments) || !take_descriptor(env, arguments[0], &fd) ||
        !take_bytes(env, arguments[1], &bytes, &length) || !take_position(env, arguments[2], &position))
        return NULL;
    if (length > MAX_CACHED_BYTES) return number(env, -EMSGSIZE);
    const struct iovec target = {.iov_base = bytes, .iov_len = bytes != NULL ? length : 0};
    ssize_t taken = preadv2(fd, &target, 1, position, RWF_NOWAIT);
    return number(env, taken == -1 ? -errno : (double)taken);
}

static napi_value lock_call(napi_env env, napi_callback_info info, int operation)
{
    napi_value arguments[MAX_ARGUMENTS];
    int fd;
    if (!take_arguments(env, info, 1, arguments) || !take_descriptor(env, arguments[0], &fd)) return NULL;
    return outcome(env, flock(fd, operation));
}

/* tryLock(fd: number): flock(2), exclusive, without waiting. */
static napi_value try_lock(napi_env env, napi_callback_info info)
{
    return lock_call(env, info, LOCK_EX | LOCK_NB);
}

/* unlock(fd: number) */
static napi_value unlock(napi_env env, napi_callback_info info)
{
    return lock_call(env, info, LOCK_UN);
}

/* resetOnClose(fd: number): SO_LINGER for 0 seconds, socket(7). */
static napi_value reset_on_close(napi_env env, napi_callback_info info)
{
    napi_value arguments[MAX_ARGUMENTS];
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd;
    if (!take_arguments(env, info, 1, arguments) || !take_descriptor(env, arguments[0], &fd)) return NULL;
    return outcome(env, setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}

/*
 * peerCredentials(fd: number): { pid, uid, gid } of the process at the other end of a Unix stream socket, as they were
 * when it connected: the kernel keeps them, and the peer has no way to name others.
 */
static napi_value peer_credentials(napi_env env, napi_callback_info info)
{
    napi_value arguments[MAX_ARGUMENTS], result, pid, uid, gid;
    struct ucred peer = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    socklen_t size = sizeof peer;
    int fd;
    if (!take_arguments(env, info, 1, arguments) || !take_descriptor(env, arguments[0], &fd)) return NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1) return number(env, -errno);
    /* A socket without a peer, and one of another family, has the user -1, which is nobody's (net/core/sock.c). */
    if (size != sizeof peer || peer.uid == (uid_t)-1 || peer.gid == (gid_t)-1) return number(env, -ENOTCONN);
    if (napi_create_object(env, &result) == napi_ok && napi_create_int32(env, peer.pid, &pid) == napi_ok &&
        napi_create_uint32(env, peer.uid, &uid) == napi_ok && napi_create_uint32(env, peer.gid, &gid) == napi_ok &&
        napi_set_named_property(env, result, "pid", pid) == napi_ok &&
        napi_set_named_property(env, result, "uid", uid) == napi_ok &&
        napi_set_named_property(env, result, "gid", gid) == napi_ok)
        return result;
    return type_error(env, "cannot make an object");
}

/* Looks a name up with `size` bytes for the entry: 0 and the id, 0 and -1 when there is no such name, or an errno. */
static int look_up(bool is_group, const char *name, char *entry, size_t size, double *id)
{
    int error;
    *id = -1;
    if (is_group) {
        struct group group, *found = NULL;
        error = getgrnam_r(name, &group, entry, size, &found);
        if (error == 0 && found != NULL) *id = found->gr_gid;
    } else {
        struct passwd user, *found = NULL;
        error = getpwnam_r(name, &user, entry, size, &found);
        if (error == 0 && found != NULL) *id = found->pw_uid;
    }
    /* How some sources of names say that there is none: getpwnam(3). */
    return error == ENOENT || error == ESRCH ? 0 : error;
}

static napi_value id_call(napi_env env, napi_callback_info info, bool is_group)
{
    napi_value arguments[MAX_ARGUMENTS], absent;
    char name[MAX_NAME_BYTES + 5];
    size_t length;
    double id = -1;
    int error = ERANGE;
    if (!take_arguments(env, info, 1, arguments) || !take_text(env, arguments[0], name, MAX_NAME_BYTES, &length))
        return NULL;
    name[length] = '\0';
    if (memchr(name, '\0', length) != NULL) return number(env, -EINVAL);
    for (size_t size = MIN_ENTRY_BYTES; error == ERANGE && size <= MAX_ENTRY_BYTES; size *= 4) {
        char *entry = malloc(size);
        if (entry == NULL) return number(env, -ENOMEM);
        error = look_up(is_group, name, entry, size, &id);
        free(entry);
    }
    if (error != 0) return number(env, -error);
    if (id >= 0) return number(env, id);
    return napi_get_undefined(env, &absent) == napi_ok ? absent : type_error(env, "cannot get undefined");
}

/* userId(name: string): the uid, or undefined; from all places that nsswitch.conf names. */
static napi_value user_id(napi_env env, napi_callback_info info)
{
    return id_call(env, info, false);
}

/* groupId(name: string): the gid, or undefined. */
static napi_value group_id(napi_env env, napi_callback_info info)
{
    return id_call(env, info, true);
}

/* clockState(): what adjtimex(2) returns when it is asked and sets nothing. */
static napi_value clock_state(napi_env env, napi_callback_info info)
{
    napi_value arguments[MAX_ARGUMENTS];
    struct timex state = {.modes = 0};
    if (!take_arguments(env, info, 0, arguments)) return NULL;
    int answer = adjtimex(&state);
    return number(env, answer == -1 ? -errno : answer);
}

/* setMmapThreshold(bytes: number): mallopt(3); 1, or 0 when this C library has no such setting. */
static napi_value set_mmap_threshold(napi_env env, napi_callback_info info)
{
    napi_value arguments[MAX_ARGUMENTS];
    int bytes;
    if (!take_arguments(env, info, 1, arguments)) return NULL;
    if (!take_int(env, arguments[0], MIN_THRESHOLD_BYTES, MAX_THRESHOLD_BYTES, &bytes)) return NULL;
#ifdef M_MMAP_THRESHOLD
    return number(env, mallopt(M_MMAP_THRESHOLD, bytes));
#else
    return number(env, 0);
#endif
}

/* Called by Node once for each thread that loads the file. */
NAPI_MODULE_INIT()
{
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {
        {"connectDatagram", connect_datagram},
        {"sendDatagram", send_datagram},
        {"readCached", read_cached},
        {"tryLock", try_lock},
        {"unlock", unlock},
        {"resetOnClose", reset_on_close},
        {"peerCredentials", peer_credentials},
        {"userId", user_id},
        {"groupId", group_id},
        {"clockState", clock_state},
        {"setMmapThreshold", set_mmap_threshold},
        {"recordDigests", record_digests},
    };
    for (size_t at = 0; at < sizeof functions / sizeof functions[0]; at++) {
        napi_value function;
        if (napi_create_function(env, functions[at].name, NAPI_AUTO_LENGTH, functions[at].function, NULL, &function) !=
                napi_ok ||
            napi_set_named_property(env, exports, functions[at].name, function) != napi_ok)
            return type_error(env, "cannot make a function");
    }
    napi_value version = number(env, INTERFACE_VERSION);
    if (version == NULL || napi_set_named_property(env, exports, "interfaceVersion", version) != napi_ok)
        return type_error(env, "cannot make the version");
    return exports;
}
