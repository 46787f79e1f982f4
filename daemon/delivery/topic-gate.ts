/** What makes known where a topic ends; see `TopicGate`. */
type Note = (topic: string) => Promise<void>;

/**
 * Keeps records back from a topic that was not there when this process looked up what its topics hold. The look-up after
 * a crash reads only topics that the checkpoint has an offset of, so a topic that is created later is asked for its end,
 * and the checkpoint has it, before the first record goes there.
 */
export class TopicGate {
  readonly #note: Note;
  readonly #open = new Set<string>();
  readonly #asked = new Set<string>();
  #opened: () => void = () => undefined;

  /** @param note resolves when the checkpoint has the topic's end; rejects if nothing is sent any more */
  constructor(note: Note) {
    this.#note = note;
  }

  /** Sets the function that is called when `isOpen` has another answer for a topic. */
  onOpen(listener: () => void): void {
    this.#opened = listener;
  }

  /** The checkpoint has the ends of these topics. */
  open(topics: Iterable<string>): void {
    for (const topic of topics) this.#open.add(topic);
  }

  /** Whether records may go to a topic that exists. If not, its end is asked for now. */
  isOpen(topic: string): boolean {
    if (this.#open.has(topic)) return true;
    if (!this.#asked.has(topic)) {
      this.#asked.add(topic);
      void this.#admit(topic);
    }
    return false;
  }

  async #admit(topic: string): Promise<void> {
    try {
      await this.#note(topic);
    } catch {
      return; // The sink was closed: its records are read again at the next start.
    }
    this.#open.add(topic);
    this.#opened();
  }
}
