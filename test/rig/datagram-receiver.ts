import koffi from "koffi";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;

const program = koffi.load(null);
const socket = program.func("int socket(int domain, int type, int protocol)");
const bind = program.func("int bind(int fd, const void *address, unsigned int length)");
const recv = program.func("long recv(int fd, _Out_ void *bytes, size_t length, int flags)");
const close = program.func("int close(int fd)");

/** analysisd's side of its queue socket: takes a datagram only when a test asks for one. */
export class DatagramReceiver implements Disposable {
  readonly #fd: number;
  #isOpen = true;
  /** Large enough for any datagram that the system takes. */
  readonly #buffer = Buffer.alloc(256 * 1024);

  /** Binds a socket at a path where nothing is, or, with a NUL in front, to an abstract name. */
  constructor(path: string) {
    this.#fd = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const address = Buffer.concat([
      Buffer.from([AF_UNIX, 0]),
      Buffer.from(path),
      Buffer.alloc(path.startsWith("\0") ? 0 : 1),
    ]);
    if (Number(bind(this.#fd, address, address.length)) !== 0) {
      throw new Error(`cannot bind ${path}: errno ${koffi.errno()}`);
    }
  }

  /** What stands in the queue now, oldest first, and has left it then. */
  take(limit = Infinity): Buffer[] {
    const taken: Buffer[] = [];
    while (taken.length < limit) {
      const count = Number(recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT));
      if (count < 0) break;
      taken.push(Buffer.from(this.#buffer.subarray(0, count)));
    }
    return taken;
  }

  /** Closes the socket; its file stays, as analysisd's does. */
  [Symbol.dispose](): void {
    if (this.#isOpen) close(this.#fd);
    this.#isOpen = false;
  }
}
