/** More and longer names than a node ever had. Whoever may write to the socket may invent any. */
const maxNames = 64;
const longestName = 256;

/**
 * The node that this forwarder serves, among those that share its topic: alert ids, agents and host names repeat from
 * node to node, so that a node's name belongs to everything that is kept of an alert.
 */
export class OwnNode {
  /** The node's name; used if no alert names it. */
  readonly name: string;
  /** The name used if an alert does not name a node; undefined: `manager.name`. */
  readonly fallbackName: string | undefined;
  readonly #names = new Set<string>();
  #areKnown = true;
  #last: string | undefined;

  constructor({ name, fallbackName }: { readonly name: string; readonly fallbackName: string | undefined }) {
    this.name = name;
    this.fallbackName = fallbackName;
  }

  /**
   * A record is made in this name. @returns whether `names` differs from now on: until the checkpoint says so as well, a
   * look-up after a crash would not count the record
   */
  wrote(name: string): boolean {
    if (name === this.#last || this.#names.has(name)) return false;
    const wereKnown = this.#areKnown;
    if (this.#names.size >= maxNames || name.length > longestName) this.#areKnown = false;
    else this.#names.add((this.#last = name));
    return wereKnown;
  }

  /**
   * All names in which records were made, by earlier processes too: the checkpoint's, with its next writing. Empty if
   * they are too many or too long to be kept.
   */
  get names(): readonly string[] {
    return this.#areKnown ? [...this.#names] : [];
  }

  /**
   * Restores the names of the checkpoint.
   * @returns those whose records a look-up has to count; undefined: everybody's, because it is not known whose
   */
  restore(names: readonly string[] = []): ReadonlySet<string> | undefined {
    for (const name of names) this.wrote(name);
    return names.length === 0 ? undefined : new Set([...names, this.name]);
  }
}
