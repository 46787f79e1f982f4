/**
 * Messages that wait to be sent, oldest first, bounded in number and in bytes: when there is no room for a new one, the
 * oldest ones make it.
 */
export class PendingMessages {
  readonly #limit: number;
  readonly #limitBytes: number;
  /** A Map keeps its entries in order, and the oldest leaves without moving the others. */
  readonly #messages = new Map<number, Buffer>();
  #next = 0;
  #oldest = 0;
  #bytes = 0;

  constructor(limit: number, limitBytes: number) {
    this.#limit = limit;
    this.#limitBytes = limitBytes;
  }

  get size(): number {
    return this.#messages.size;
  }

  get oldest(): Buffer | undefined {
    return this.#messages.get(this.#oldest);
  }

  /** @returns how many were dropped to make room */
  push(message: Buffer): number {
    this.#messages.set(this.#next++, message);
    this.#bytes += message.length;
    let dropped = 0;
    while (this.#messages.size > this.#limit || this.#bytes > this.#limitBytes) {
      this.shift();
      dropped++;
    }
    return dropped;
  }

  /** @returns how many there were */
  clear(): number {
    const count = this.#messages.size;
    while (this.#messages.size > 0) this.shift();
    return count;
  }

  /** Takes the oldest one away. */
  shift(): void {
    this.#bytes -= this.oldest?.length ?? 0;
    this.#messages.delete(this.#oldest);
    this.#oldest++;
  }
}
