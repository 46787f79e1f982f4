/** What the kernel uses of WebAssembly, whose types come with a browser's only. */
declare namespace WebAssembly {
  class Memory {
    /** @throws RangeError when so many addresses cannot be had */
    constructor(pages: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: Readonly<Record<string, (...numbers: number[]) => number>>;
  }
}
