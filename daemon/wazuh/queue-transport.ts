/**
 * - sent: the kernel has the whole event.
 * - full: it takes no more now; the same event is to be offered again.
 * - too-large: no try will help.
 * - away: nobody is there, or we may not; `why` is the name of the system error.
 */
export type SendResult =
  { readonly kind: "sent" | "full" | "too-large" } | { readonly kind: "away"; readonly why: string };

/** A way to analysisd's queue. Nothing here waits. */
export interface QueueTransport extends Disposable {
  /**
   * Offers one event. After `full` and `away` the next call has to offer the same one.
   * @param event at most 65,535 bytes, without a newline
   */
  send(event: Buffer): SendResult;
  /** All events have been sent; others may come at any time. */
  idle(): void;
  /** Ends the connection; what the kernel has still arrives. Safe in every state. */
  [Symbol.dispose](): void;
}
