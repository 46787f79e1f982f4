/** More names than a node ever has had; with so many the look-up takes everybody's records for possible ones. */
const mostNames = 64;

/**
 * The node that this forwarder serves, among those that share its topic: alert ids, agents and host names repeat from
 * node to node, so that a node's name belongs to everything that is kept of an alert.
 */
export class OwnNode {
  /** What the node is called; for what has no alert's word for it. */
  readonly name: string;
  /** The name that counts where an alert names no node; undefined: `manager.name`. */
  readonly hiddenName: string | undefined;
  readonly #names = new Set<string>();
  #last: string | undefined;

  constructor({ name, hiddenName }: { readonly name: string; readonly hiddenName: string | undefined }) {
    this.name = name;
    this.hiddenName = hiddenName;
  }

  /** A record is made in this name. */
  wrote(name: string): void {
    if (name === this.#last) return;
    this.#last = name;
    this.#names.add(name);
  }

  /** All names in which records were made, by earlier processes too: the checkpoint's, with its next writing. */
  get names(): readonly string[] {
    return [...this.#names].slice(0, mostNames);
  }

  /**
   * Takes over the names of the checkpoint.
   * @returns those whose records a look-up has to count; undefined: everybody's, because it is not known whose
   */
  restore(names: readonly string[] = []): ReadonlySet<string> | undefined {
    for (const name of names) this.#names.add(name);
    return names.length === 0 || names.length >= mostNames ? undefined : new Set([...names, this.name]);
  }
}
