const lengthBytes = 4;
/** Each answer begins with the number of the request that it is for. */
const minFrameBytes = 4;

/**
 * Cuts what a broker sends into whole answers. The bytes are not trusted: whoever listens at a broker's address decides
 * what they are, so a length that cannot be true is found before anything relies on it.
 */
export class FrameReader {
  readonly #maxFrameBytes: () => number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes of the frame at the front, its length included; undefined until its length has been read. */
  #needed: number | undefined;

  /** @param maxFrameBytes the largest frame that is taken at this moment, without its length field */
  constructor(maxFrameBytes: () => number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes the next bytes.
   * @returns the frames that are complete now, each with its four bytes of length in front
   * @throws RangeError for a length below 4, or above the maximum; nothing may be read after it
   */
  *push(chunk: Buffer): Generator<Buffer, void, undefined> {
    if (chunk.length > 0) this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    for (;;) {
      this.#needed ??= this.#readLength();
      if (this.#needed === undefined || this.#buffered < this.#needed) return;
      const bytes = this.#joined();
      const frame = bytes.subarray(0, this.#needed);
      const rest = bytes.subarray(this.#needed);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#buffered = rest.length;
      this.#needed = undefined;
      yield frame;
    }
  }

  #readLength(): number | undefined {
    if (this.#buffered < lengthBytes) return undefined;
    const length = this.#joined().readInt32BE(0);
    if (length < minFrameBytes || length > this.#maxFrameBytes()) {
      throw new RangeError(`an answer cannot have ${length} bytes`);
    }
    return lengthBytes + length;
  }

  /** Everything that is buffered as one piece. Called at most twice per frame, so its cost does not grow with the chunks. */
  #joined(): Buffer {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }
}
