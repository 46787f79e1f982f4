/**
 * A signal that is aborted with the first of others, for the same reason. It follows them until it is aborted or disposed.
 *
 * `AbortSignal.any` makes such a signal too, but Node 20 holds on to it for the life of the process, with everything that
 * listens to it, when it is aborted while somebody listens.
 */
export class JoinedSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #signals: readonly AbortSignal[];

  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener("abort", this.#look);
    this.#look();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The others may live on, and no longer know of this one. Safe twice, and after an abort. */
  [Symbol.dispose](): void {
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#look);
  }

  readonly #look = (): void => {
    const aborted = this.#signals.find((signal) => signal.aborted);
    if (aborted === undefined) return;
    this[Symbol.dispose]();
    this.#controller.abort(aborted.reason);
  };
}
