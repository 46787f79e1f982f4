/* bindDatagram(address: Uint8Array): a Unix datagram socket that is bound to these bytes of sun_path, for tests. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <node_api.h>

static napi_value bind_datagram(napi_env env, napi_callback_info info)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    napi_value argument, result;
    size_t count = 1, length;
    void *bytes;
    if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count != 1 ||
        napi_get_buffer_info(env, argument, &bytes, &length) != napi_ok || length > sizeof address.sun_path) {
        napi_throw_type_error(env, NULL, "not an address");
        return NULL;
    }
    memcpy(address.sun_path, bytes, length);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (fd == -1 || bind(fd, (const struct sockaddr *)&address, size) == -1) {
        int reason = errno;
        if (fd != -1) close(fd);
        fd = -reason;
    }
    return napi_create_int32(env, fd, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT()
{
    napi_value function;
    if (napi_create_function(env, "bindDatagram", NAPI_AUTO_LENGTH, bind_datagram, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, "bindDatagram", function) != napi_ok)
        return NULL;
    return exports;
}
