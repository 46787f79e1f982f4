import type { Socket } from "node:net";

/** Numbers of Linux, the same on x64 and arm64 (asm-generic/socket.h). */
const SOL_SOCKET = 1;
const SO_LINGER = 13;
/** `struct linger`: on, for 0 seconds; two ints. */
const atOnce = Buffer.from(Int32Array.of(1, 0).buffer);

type SetOption = (fd: number, level: number, name: number, value: Buffer, length: number) => number;

let loading: Promise<SetOption | undefined> | undefined;

/**
 * Makes the kernel forget what a connection has not brought to the other side when it is closed, by a kill of the
 * process too. Otherwise it goes on sending for a process that is gone: a host that was cut off delivers old requests
 * when the network is back, behind the look-up of the process that was started since, and records stand twice (seen with
 * Linux 6: 37 of them, after a SIGKILL while the cable was out).
 * @returns whether the kernel will
 */
export async function forgetOnClose(socket: Socket): Promise<boolean> {
  loading ??= load();
  const setOption = await loading;
  const fd = fdOf(socket);
  if (setOption === undefined || fd === undefined) return false;
  return setOption(fd, SOL_SOCKET, SO_LINGER, atOnce, atOnce.length) === 0;
}

async function load(): Promise<SetOption | undefined> {
  try {
    const { default: koffi } = await import("koffi");
    const declaration = "int setsockopt(int fd, int level, int name, const void *value, unsigned int length)";
    return koffi.load(null).func(declaration) as SetOption;
  } catch {
    return undefined; // koffi is missing: the lock of the state directory says so, and only this late delivery is left
  }
}

/** Node does not offer the descriptor of a socket; its handle has it, also under TLS. */
function fdOf(socket: Socket & { readonly _handle?: { readonly fd?: number } | null }): number | undefined {
  const fd = socket._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
