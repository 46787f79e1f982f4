/**
 * The system calls that Node does not offer: it has no Unix datagram sockets. They come through koffi, whose native file
 * is beside the bundle (or in node_modules, unbundled) and is loaded here, when it is first needed.
 */
import { getSystemErrorName } from "node:util";

export interface Libc {
  /** A non-blocking Unix datagram socket that no child process inherits: its descriptor, or -1. */
  socket(): number;
  /** 0, or -1. */
  connect(fd: number, address: Buffer): number;
  /** Sends without waiting and without SIGPIPE: bytes sent, or -1. */
  send(fd: number, bytes: Buffer): number;
  close(fd: number): void;
  /** What the call before failed with: `EAGAIN`, ... */
  errno(): string;
}

/** Numbers of Linux, which are the same on x64 and arm64 (bits/socket.h). */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** `sun_path` of sockaddr_un, with the NUL behind it (unix(7)). */
const pathBytes = 108;

/** @throws Error when there is no koffi for this platform */
export async function loadLibc(): Promise<Libc> {
  if (process.platform !== "linux")
    throw new Error(`Unix datagrams are sent on Linux only, not on ${process.platform}`);
  const { default: koffi } = await import("koffi");
  const program = koffi.load(null); // the C library is a part of Node's own process
  const socket = program.func("int socket(int domain, int type, int protocol)");
  const connect = program.func("int connect(int fd, const void *address, unsigned int length)");
  const send = program.func("long send(int fd, const void *bytes, size_t length, int flags)");
  const close = program.func("int close(int fd)");
  return {
    socket: () => Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
    connect: (fd, address) => Number(connect(fd, address, address.length)),
    send: (fd, bytes) => Number(send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL)),
    close: (fd) => void close(fd),
    errno: () => getSystemErrorName(-koffi.errno()), // Node numbers them from below
  };
}

/** The `sockaddr_un` of a path, or undefined when the path is too long for one (107 bytes). */
export function unixAddress(path: string): Buffer | undefined {
  const name = Buffer.from(path);
  if (name.length >= pathBytes) return undefined;
  const address = Buffer.alloc(2 + name.length + 1);
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);
  return address;
}
