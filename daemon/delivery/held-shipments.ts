/** The tail's copies that wait for the socket's (`sources.tail.wait`), oldest first: they leave in their order. */
export class HeldShipments<T> {
  readonly #waitMs: number;
  readonly #leave: (shipment: T) => void;
  readonly #waiting: { readonly shipment: T; readonly untilMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param waitMs above 0 @param leave called with each one whose time is up */
  constructor(waitMs: number, leave: (shipment: T) => void) {
    this.#waitMs = waitMs;
    this.#leave = leave;
  }

  add(shipment: T): void {
    this.#waiting.push({ shipment, untilMs: performance.now() + this.#waitMs });
    this.#await();
  }

  /** Forgets one that its caller lets go. @returns false if it was not held, or earlier ones still are */
  release(shipment: T): boolean {
    if (this.#waiting[0]?.shipment !== shipment) return false;
    this.#waiting.shift();
    return true;
  }

  /** Lets all of them go. */
  releaseAll(): void {
    this.dispose();
    for (const { shipment } of this.#waiting.splice(0)) this.#leave(shipment);
  }

  /** From now on none leaves by itself. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #await(): void {
    const first = this.#waiting[0];
    if (first === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const now = performance.now();
        while (this.#waiting[0] !== undefined && this.#waiting[0].untilMs <= now) {
          const due = this.#waiting.shift();
          if (due !== undefined) this.#leave(due.shipment);
        }
        this.#await();
      },
      Math.max(1, Math.ceil(first.untilMs - performance.now())),
    );
  }
}
