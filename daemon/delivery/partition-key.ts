/** Which partition a key goes to: Kafka's own rule, so that other producers of the topic agree. */

/** The 32-bit murmur2 of Kafka's default partitioner (Apache Kafka 4.1: org.apache.kafka.common.utils.Utils.murmur2). */
export function murmur2(bytes: Uint8Array): number {
  const multiplier = 0x5bd1e995;
  const length = bytes.length;
  let hash = 0x9747b28c ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  if (at < length) {
    if (length - at > 2) hash ^= bytes[at + 2]! << 16;
    if (length - at > 1) hash ^= bytes[at + 1]! << 8;
    hash = Math.imul(hash ^ bytes[at]!, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

/**
 * The partition of a record with this key, from 0 to `count` - 1.
 * @param key   null goes to partition 0; records of the handlers always have one
 * @param count partitions of the topic, at least 1
 */
export function partitionOf(key: Uint8Array | null, count: number): number {
  return key === null ? 0 : (murmur2(key) & 0x7fffffff) % count;
}
