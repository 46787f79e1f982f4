/**
 * The system calls that Node does not offer: Unix datagram sockets, flock, who is at the other end of a socket, and a few
 * more. They are in `native/dfn.c`, compiled when the product is built; the file is next to the bundle. This is the only
 * place that loads it.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import { getSystemErrorName } from "node:util";

/** A process at the other end of a Unix stream socket, by the kernel's word. */
export interface PeerCredentials {
  /** 0 when the process is not visible from here (another PID namespace). */
  readonly pid: number;
  /** Effective user and group when it connected. */
  readonly uid: number;
  readonly gid: number;
}

/**
 * Descriptors are whole numbers from 0 on; anything else is a TypeError or RangeError. "throws errno" is an Error whose
 * `code` is the name of the system's error: `EBADF`, `ENOTSOCK`, ...
 */
export interface Native {
  /**
   * A Unix datagram socket, connected, that never blocks and that no child process inherits. Close it with `closeSync`.
   * @param path up to 107 bytes, or an abstract name of up to 108 with a NUL in front (unix(7))
   * @throws errno `ENOENT`, `ECONNREFUSED`, `EACCES`, `ENAMETOOLONG`, ...
   */
  connectDatagram(path: string): number;
  /**
   * Sends without waiting, and without SIGPIPE when nobody is there.
   * @param bytes up to 16 MiB; the kernel takes less (net.core.wmem_default)
   * @returns undefined when the kernel has it, else the name of the error: `EAGAIN`, `ECONNREFUSED`, `EMSGSIZE`, ...
   */
  sendDatagram(fd: number, bytes: Uint8Array): string | undefined;
  /**
   * Reads what the kernel has in memory, and never waits for a disk or a network (preadv2(2) with RWF_NOWAIT).
   * @param bytes    where to, up to 1 MiB
   * @param position where from, bytes from the beginning of the file, up to 2^53 - 1
   * @returns how many bytes were read. It is 0 at the end of the file, and less than there is when only the first of them
   *          are in memory. Undefined when none are, when the file system cannot say (tmpfs, and what comes by a
   *          network), or when reading fails: read it in a way that may wait, then, which shows what is wrong
   */
  readCached(fd: number, bytes: Uint8Array, position: number): number | undefined;
  /**
   * flock(2), exclusive: whether the lock could be had at once. The kernel gives it back when the file is closed.
   * @throws errno when the file system has no locks
   */
  tryLock(fd: number): boolean;
  /** @throws errno */
  unlock(fd: number): void;
  /**
   * Makes the kernel drop, when a TCP socket is closed, what it has not brought to the other side, and reset the
   * connection (SO_LINGER for 0 s).
   * @throws errno
   */
  resetOnClose(fd: number): void;
  /**
   * Who connected this Unix stream socket (SO_PEERCRED). The peer cannot choose it. In a user namespace, users that have
   * no number there are the overflow user, 65534.
   * @throws errno `ENOTCONN` when the socket has no peer or is of another family, `ENOTSOCK`, `EBADF`
   */
  peerCredentials(fd: number): PeerCredentials;
  /**
   * The number of a user, from all places that nsswitch.conf names (getpwnam_r), so that it may wait for a directory
   * service; undefined when there is no such user.
   * @param name 1 to 256 bytes
   * @throws errno when it cannot be looked up
   */
  userId(name: string): number | undefined;
  /** As `userId`, of a group (getgrnam_r). */
  groupId(name: string): number | undefined;
  /**
   * State of the kernel's clock as adjtimex(2) returns it, 0 to 5; 5, TIME_ERROR, when nothing keeps it in time.
   * @throws errno when the system forbids the question
   */
  clockState(): number;
  /**
   * Sets the size from which malloc gives a block a mapping of its own (mallopt(3)), for the whole process.
   * @param bytes 4096 to 33,554,432
   * @returns whether this C library has the setting
   */
  setMmapThreshold(bytes: number): boolean;
  /**
   * The digests of a batch's records, made in a thread of libuv's pool: see `proof/batch-digests.ts`.
   * @param topic up to 4,096 bytes
   * @param count of records, the number that `bytes` has
   * @param bytes up to 256 MiB; they must not change until the answer is there
   * @returns undefined when this Node lacks what it needs; a promise of undefined for bytes that are not what `RecordBuffer`
   *          writes. It never rejects
   * @throws TypeError for other arguments
   */
  recordDigests(topic: string, count: number, bytes: Uint8Array): Promise<Buffer | undefined> | undefined;
}

/** What `dfn.c` exports: results of 0 or more, or the negative errno. */
interface Exports {
  readonly interfaceVersion: number;
  connectDatagram(path: string): number;
  sendDatagram(fd: number, bytes: Uint8Array): number;
  readCached(fd: number, bytes: Uint8Array, position: number): number;
  tryLock(fd: number): number;
  unlock(fd: number): number;
  resetOnClose(fd: number): number;
  peerCredentials(fd: number): number | PeerCredentials;
  userId(name: string): number | undefined;
  groupId(name: string): number | undefined;
  clockState(): number;
  setMmapThreshold(bytes: number): number;
  recordDigests(topic: string, count: number, bytes: Uint8Array): number | Promise<Buffer | undefined>;
}

/** `INTERFACE_VERSION` of `dfn.c`. */
const interfaceVersion = 3;

/** Name of the native file for a platform, as Node names it. */
export function nativeFileName(platform: string, arch: string): string {
  return `wazuh-dfn-${platform}-${arch}.node`;
}

let loaded: Native | undefined;

/**
 * Loaded once, when it is first asked for.
 * @throws Error when the file is missing, is of another release, or is not for this platform
 */
export function loadNative(): Native {
  loaded ??= loadNativeFile(join(import.meta.dirname, nativeFileName(process.platform, process.arch)));
  return loaded;
}

/** @throws Error as `loadNative` does */
export function loadNativeFile(path: string): Native {
  if (!existsSync(path)) throw new Error(`the native file ${path} is missing`);
  let found: Exports;
  try {
    found = createRequire(path)(path);
  } catch (reason) {
    throw new Error(`the native file ${path} cannot be loaded`, { cause: reason });
  }
  if (found.interfaceVersion !== interfaceVersion) {
    throw new Error(
      `the native file ${path} is from another release: install the one built with this wazuh-dfn.cjs next to it`,
    );
  }
  return wrap(found);
}

function wrap(calls: Exports): Native {
  return {
    connectDatagram: (path) => checked("connect", calls.connectDatagram(path)),
    sendDatagram: (fd, bytes) => {
      const result = calls.sendDatagram(fd, bytes);
      return result < 0 ? getSystemErrorName(result) : undefined;
    },
    readCached: (fd, bytes, position) => {
      const result = calls.readCached(fd, bytes, position);
      return result < 0 ? undefined : result;
    },
    tryLock: (fd) => {
      const result = calls.tryLock(fd);
      return result !== -constants.errno.EWOULDBLOCK && checked("flock", result) === 0;
    },
    unlock: (fd) => void checked("flock", calls.unlock(fd)),
    resetOnClose: (fd) => void checked("setsockopt", calls.resetOnClose(fd)),
    peerCredentials: (fd) => {
      const result = calls.peerCredentials(fd);
      if (typeof result === "number") throw systemError("getsockopt", result);
      return result;
    },
    userId: (name) => checkedId("getpwnam", calls.userId(name)),
    groupId: (name) => checkedId("getgrnam", calls.groupId(name)),
    clockState: () => checked("adjtimex", calls.clockState()),
    setMmapThreshold: (bytes) => calls.setMmapThreshold(bytes) === 1,
    recordDigests: (topic, count, bytes) => {
      const result = calls.recordDigests(topic, count, bytes);
      return typeof result === "number" ? undefined : result;
    },
  };
}

function checked(call: string, result: number): number {
  if (result < 0) throw systemError(call, result);
  return result;
}

function checkedId(call: string, result: number | undefined): number | undefined {
  return result === undefined ? undefined : checked(call, result);
}

/** In the form of Node's own. */
function systemError(syscall: string, errno: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall });
}
