import { closeSync, readSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { getSystemErrorName } from "node:util";
import { errnoOf } from "../../daemon/errors.ts";
import { compileModule, ownArch } from "../../scripts/bundle/native-file.ts";
import { repositoryRoot } from "../../scripts/repository.ts";

/** The one call that tests need and the product does not. */
const binding = loadBinding();

/** analysisd's side of its queue socket: takes a datagram only when a test asks for one. */
export class DatagramReceiver implements Disposable {
  readonly #fd: number;
  #isOpen = true;
  /** Large enough for any datagram that the system accepts. */
  readonly #buffer = Buffer.alloc(256 * 1024);

  /** Binds a socket at a path where nothing is, or, with a NUL in front, to an abstract name. */
  constructor(path: string) {
    this.#fd = binding.bindDatagram(Buffer.from(path.startsWith("\0") ? path : `${path}\0`));
    if (this.#fd < 0) throw new Error(`cannot bind ${path}: ${getSystemErrorName(this.#fd)}`);
  }

  /** What is in the queue now, oldest first; it is removed from the queue. */
  take(limit = Infinity): Buffer[] {
    const taken: Buffer[] = [];
    while (taken.length < limit) {
      const datagram = this.#takeOne();
      if (datagram === undefined) break;
      taken.push(datagram);
    }
    return taken;
  }

  /** Closes the socket; its file stays, as analysisd's does. */
  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }

  #takeOne(): Buffer | undefined {
    try {
      const count = readSync(this.#fd, this.#buffer);
      return Buffer.from(this.#buffer.subarray(0, count));
    } catch (reason) {
      if (errnoOf(reason) === "EAGAIN") return undefined;
      throw reason;
    }
  }
}

/** Compiled by each process that needs it, which takes a tenth of a second and is never out of date. */
function loadBinding(): { readonly bindDatagram: (address: Uint8Array) => number } {
  const directory = join(repositoryRoot, "build/test/rig");
  const fresh = join(directory, `bind-datagram-${process.pid}.node`);
  const arch = ownArch();
  if (arch === undefined) throw new Error("the tests run on Linux only, on x64 or arm64");
  compileModule(repositoryRoot, ["test/rig/native/bind-datagram.c"], fresh, arch);
  const path = join(directory, "bind-datagram.node");
  renameSync(fresh, path);
  return createRequire(path)(path);
}
