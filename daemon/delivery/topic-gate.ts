/** Puts the end of a topic into the checkpoint. Resolves when it is there, or with false when nothing is sent any more. */
type NoteEnd = (topic: string) => Promise<boolean>;

/**
 * Keeps records back from a topic that was not there when this process looked up what its topics hold. The look-up after
 * a crash reads only topics that the checkpoint has an offset of, so a topic that is created later is asked for its end,
 * and the checkpoint has it, before the first record goes there.
 */
export class TopicGate {
  readonly #noteEnd: NoteEnd;
  readonly #open = new Set<string>();
  readonly #asked = new Set<string>();
  #opened: () => void = () => undefined;

  constructor(noteEnd: NoteEnd) {
    this.#noteEnd = noteEnd;
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
    if (!(await this.#noteEnd(topic))) return;
    this.#open.add(topic);
    this.#opened();
  }
}
