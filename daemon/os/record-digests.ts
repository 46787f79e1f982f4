import { loadNative, type Native } from "./native.ts";

let loaded: Native["recordDigests"] | undefined;

/** As `Native.recordDigests`. Without the native file there is no answer; the start says that it is missing. */
export const recordDigests: Native["recordDigests"] = (topic, count, bytes) => {
  loaded ??= load();
  return loaded(topic, count, bytes);
};

function load(): Native["recordDigests"] {
  try {
    const native = loadNative();
    return (topic, count, bytes) => native.recordDigests(topic, count, bytes);
  } catch {
    return () => undefined;
  }
}
