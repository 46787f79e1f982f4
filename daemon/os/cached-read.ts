import { loadNative, type Native } from "./native.ts";

let loaded: Native["readCached"] | undefined;

/** As `Native.readCached`. Without the native file nothing counts as in memory; the start says that it is missing. */
export const readCached: Native["readCached"] = (fd, bytes, position) => {
  loaded ??= load();
  return loaded(fd, bytes, position);
};

function load(): Native["readCached"] {
  try {
    const native = loadNative();
    return (fd, bytes, position) => native.readCached(fd, bytes, position);
  } catch {
    return () => undefined;
  }
}
