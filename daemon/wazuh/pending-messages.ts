/**
 * Messages that wait to be sent, oldest first, bounded in number and in characters. Kept as text: a small Buffer would
 * hold on to the 8 KiB that Node cut it from.
 */
export class PendingMessages {
  readonly #limit: number;
  readonly #limitCharacters: number;
  /** A Map keeps its entries in order, and the oldest leaves without moving the others. */
  readonly #messages = new Map<number, string>();
  #next = 0;
  #oldest = 0;
  #characters = 0;

  /** @param limitCharacters reached by one message more at most */
  constructor(limit: number, limitCharacters: number) {
    this.#limit = limit;
    this.#limitCharacters = limitCharacters;
  }

  get size(): number {
    return this.#messages.size;
  }

  get isFull(): boolean {
    return this.#messages.size >= this.#limit || this.#characters >= this.#limitCharacters;
  }

  get oldest(): string | undefined {
    return this.#messages.get(this.#oldest);
  }

  /** Adds one more, even if there is no room: the caller has asked. */
  push(message: string): void {
    this.#messages.set(this.#next++, message);
    this.#characters += message.length;
  }

  /** @returns how many there were */
  clear(): number {
    const count = this.#messages.size;
    while (this.#messages.size > 0) this.shift();
    return count;
  }

  /** Takes the oldest one away. */
  shift(): void {
    this.#characters -= this.oldest?.length ?? 0;
    this.#messages.delete(this.#oldest);
    this.#oldest++;
  }
}
