/** What the kernel uses of WebAssembly, whose types come with a browser's only. */
declare namespace WebAssembly {
  class Memory {
    /** @throws RangeError when so many addresses cannot be had */
    constructor(pages: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  const Module: new (bytes: Uint8Array) => object;
  class Instance {
    constructor(module: object, imports: object);
    readonly exports: Readonly<Record<string, (...numbers: number[]) => number>>;
  }
}
