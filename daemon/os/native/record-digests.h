#ifndef DFN_RECORD_DIGESTS_H
#define DFN_RECORD_DIGESTS_H

#include <node_api.h>

/* recordDigests(topic: string, count: number, bytes: Uint8Array): a promise, or a number: see record-digests.c. */
napi_value record_digests(napi_env env, napi_callback_info info);

#endif
