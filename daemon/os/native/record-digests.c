/*
 * The digests of the records of a batch (daemon/proof/batch-digests.ts says what they are made of), in a thread of
 * libuv's pool. Two hashes a record are a tenth of what the main thread does at full speed.
 *
 * SHA-256 is that of the OpenSSL in Node, which uses the processor's instructions for it. Its symbols are weak: a Node
 * without them gives -ENOSYS, and the caller hashes in JavaScript.
 *
 * A batch is what RecordBuffer wrote (daemon/records/record-buffer.ts). Each length is checked against the end all the
 * same: what does not fit is an error, and nothing beyond the batch is read.
 */
#include "record-digests.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_BYTES 32u
#define HEX_BYTES (2 * DIGEST_BYTES)
/* A topic's name has at most 249 characters (Apache Kafka: Topic.java); files may have longer ones. */
#define MAX_TOPIC_BYTES 4096u
/* A batch is of about 1 MiB, or of one alert of up to 16 MiB. */
#define MAX_BATCH_BYTES (256u * 1024 * 1024)
/* The shortest record that a batch can hold: each of its parts is a byte. */
#define MIN_RECORD_BYTES 7u

/* The state of OpenSSL's SHA-256: 112 bytes (openssl/sha.h: SHA256_CTX), the same since 0.9.8. */
struct sha256 {
    uint64_t words[16];
};

#define OPENSSL_SYMBOL __attribute__((weak, visibility("default")))
extern int SHA256_Init(struct sha256 *state) OPENSSL_SYMBOL;
extern int SHA256_Update(struct sha256 *state, const void *bytes, size_t length) OPENSSL_SYMBOL;
extern int SHA256_Final(unsigned char *digest, struct sha256 *state) OPENSSL_SYMBOL;

/* Bytes that are read from the beginning. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

struct piece {
    const uint8_t *bytes;
    size_t length;
};

/* The headers that a digest is made of, in its order. */
enum { HANDLER, NODE, ID, NAMES };
static const struct {
    const char *text;
    size_t length;
} names[NAMES] = {
    [HANDLER] = {"wazuh-dfn-handler", sizeof "wazuh-dfn-handler" - 1},
    [NODE] = {"wazuh-node", sizeof "wazuh-node" - 1},
    [ID] = {"wazuh-alert-id", sizeof "wazuh-alert-id" - 1},
};

/* One batch: made by record_digests, used by a thread of the pool, released by finish. */
struct task {
    struct cursor records;
    size_t count;
    uint8_t *digests;
    bool is_malformed;
    size_t topic_length;
    char topic[MAX_TOPIC_BYTES + 5];
    napi_async_work work;
    napi_deferred deferred;
    napi_ref bytes;
};

/* A whole number of a record: zigzag, seven bits a byte, at most five bytes. */
static bool take_varint(struct cursor *from, int64_t *value)
{
    uint64_t zigzag = 0;
    for (unsigned shift = 0; shift < 35 && from->at < from->end; shift += 7) {
        uint8_t byte = *from->at++;
        zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
            return true;
        }
    }
    return false;
}

/* Bytes behind their length; -1 is none. */
static bool take_piece(struct cursor *from, struct piece *piece)
{
    int64_t length;
    if (!take_varint(from, &length) || length < -1 || length > from->end - from->at) return false;
    piece->bytes = from->at;
    piece->length = length < 0 ? 0 : (size_t)length;
    from->at += piece->length;
    return true;
}

/* A header as a line: LF and backslash are escaped. */
static void add_line(struct sha256 *state, struct piece line)
{
    size_t from = 0;
    for (size_t at = 0; at < line.length; at++) {
        if (line.bytes[at] != '\n' && line.bytes[at] != '\\') continue;
        SHA256_Update(state, line.bytes + from, at - from);
        SHA256_Update(state, line.bytes[at] == '\n' ? "\\n" : "\\\\", 2);
        from = at + 1;
    }
    SHA256_Update(state, line.bytes + from, line.length - from);
    SHA256_Update(state, "\n", 1);
}

/* The bytes of a record, without its length. */
static bool digest_record(struct cursor *record, const struct task *task, uint8_t *digest)
{
    static const char digits[] = "0123456789abcdef";
    struct piece value, found[NAMES] = {{0}}, skipped;
    struct sha256 state;
    char hex[HEX_BYTES];
    int64_t number, headers;
    if (record->at == record->end) return false;
    record->at += 1; /* attributes */
    if (!take_varint(record, &number) || !take_varint(record, &number)) return false;
    if (!take_piece(record, &skipped) || !take_piece(record, &value) || !take_varint(record, &headers)) return false;
    for (; headers > 0; headers--) {
        struct piece name, header;
        if (!take_piece(record, &name) || !take_piece(record, &header)) return false;
        for (size_t which = 0; which < NAMES; which++) {
            if (name.length == names[which].length && memcmp(name.bytes, names[which].text, name.length) == 0)
                found[which] = header;
        }
    }
    SHA256_Init(&state);
    SHA256_Update(&state, value.bytes, value.length);
    SHA256_Final(digest, &state);
    for (size_t at = 0; at < DIGEST_BYTES; at++) {
        hex[2 * at] = digits[digest[at] >> 4];
        hex[2 * at + 1] = digits[digest[at] & 15];
    }
    SHA256_Init(&state);
    SHA256_Update(&state, task->topic, task->topic_length);
    SHA256_Update(&state, "\n", 1);
    for (size_t which = 0; which < NAMES; which++) add_line(&state, found[which]);
    SHA256_Update(&state, hex, sizeof hex);
    SHA256_Final(digest, &state);
    return record->at == record->end;
}

/* In a thread of the pool: nothing of Node may be used. */
static void execute(napi_env env, void *data)
{
    struct task *task = data;
    (void)env;
    for (size_t index = 0; index < task->count && !task->is_malformed; index++) {
        int64_t length;
        struct cursor record;
        if (!take_varint(&task->records, &length) || length < 0 || length > task->records.end - task->records.at) {
            task->is_malformed = true;
            break;
        }
        record.at = task->records.at;
        task->records.at = record.end = record.at + length;
        task->is_malformed = !digest_record(&record, task, task->digests + index * DIGEST_BYTES);
    }
    if (task->records.at != task->records.end) task->is_malformed = true;
}

static void release(napi_env env, struct task *task)
{
    if (task->bytes != NULL) napi_delete_reference(env, task->bytes);
    if (task->work != NULL) napi_delete_async_work(env, task->work);
    free(task->digests);
    free(task);
}

/* In the main thread again. Undefined for what is no batch, which the caller then looks at by itself. */
static void finish(napi_env env, napi_status status, void *data)
{
    struct task *task = data;
    napi_value answer = NULL;
    size_t length = task->count * DIGEST_BYTES;
    bool is_made = status == napi_ok && !task->is_malformed &&
                   napi_create_buffer_copy(env, length, task->digests, NULL, &answer) == napi_ok;
    if (is_made || napi_get_undefined(env, &answer) == napi_ok) napi_resolve_deferred(env, task->deferred, answer);
    release(env, task);
}

static napi_value failed(napi_env env, int reason)
{
    napi_value result;
    return napi_create_int32(env, -reason, &result) == napi_ok ? result : NULL;
}

static napi_value no_batch(napi_env env)
{
    napi_throw_type_error(env, NULL, "not a topic, a number of records and their bytes");
    return NULL;
}

/*
 * A promise of the digests, 32 bytes a record, or of undefined for what is no batch. The bytes must not change until then.
 * -ENOSYS without OpenSSL's functions, -ENOMEM.
 */
napi_value record_digests(napi_env env, napi_callback_info info)
{
    napi_value arguments[3], name, promise;
    size_t given = 3, length = 0;
    void *bytes = NULL;
    uint32_t count = 0;
    bool is_buffer = false;
    if (SHA256_Init == NULL || SHA256_Update == NULL || SHA256_Final == NULL) return failed(env, ENOSYS);
    if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given != 3) return no_batch(env);
    if (napi_get_value_uint32(env, arguments[1], &count) != napi_ok ||
        napi_is_buffer(env, arguments[2], &is_buffer) != napi_ok || !is_buffer ||
        napi_get_buffer_info(env, arguments[2], &bytes, &length) != napi_ok || length > MAX_BATCH_BYTES ||
        count > length / MIN_RECORD_BYTES)
        return no_batch(env);

    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) return failed(env, ENOMEM);
    if (napi_get_value_string_utf8(env, arguments[0], task->topic, sizeof task->topic, &task->topic_length) != napi_ok ||
        task->topic_length > MAX_TOPIC_BYTES) {
        release(env, task);
        return no_batch(env);
    }
    task->count = count;
    task->records = (struct cursor){.at = bytes, .end = (const uint8_t *)bytes + length};
    task->digests = malloc(count * DIGEST_BYTES + 1);
    if (task->digests != NULL && napi_create_reference(env, arguments[2], 1, &task->bytes) == napi_ok &&
        napi_create_string_utf8(env, "recordDigests", NAPI_AUTO_LENGTH, &name) == napi_ok &&
        napi_create_async_work(env, NULL, name, execute, finish, task, &task->work) == napi_ok &&
        napi_create_promise(env, &task->deferred, &promise) == napi_ok) {
        if (napi_queue_async_work(env, task->work) == napi_ok) return promise;
        if (napi_get_undefined(env, &name) == napi_ok) napi_resolve_deferred(env, task->deferred, name);
        release(env, task);
        return promise;
    }
    release(env, task);
    return failed(env, ENOMEM);
}
