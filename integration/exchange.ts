/** Sends one alert: connect, write the line, read the answer. */
import { connect } from "node:net";
import { maxAnswerBytes, parseAnswer, type Answer } from "./protocol.ts";

export type Exchange =
  | { readonly kind: "answered"; readonly answer: Answer }
  /** Nobody there, a connection that broke, or the time was over; whether the alert was taken is not known. */
  | { readonly kind: "unanswered"; readonly reason: string };

/**
 * Never rejects, and is done after `withinMs` at the latest. The sending side is not closed: the newline ends the line,
 * and the answer ends the exchange.
 */
export function sendOnce(socketPath: string, line: Buffer, withinMs: number): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const done = (result: Exchange): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const unanswered = (reason: string): void => done({ kind: "unanswered", reason });
    const timer = setTimeout(() => unanswered(`no answer within ${Math.ceil(withinMs)} ms`), withinMs);

    let received = "";
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
      const newline = received.indexOf("\n");
      if (newline === -1 && received.length < maxAnswerBytes) return;
      const answer = newline === -1 ? undefined : parseAnswer(received.slice(0, newline));
      if (answer !== undefined) done({ kind: "answered", answer });
      else unanswered("the answer was not understood: is that the forwarder's socket?");
    });
    socket.on("error", (error) => unanswered(error.message));
    socket.on("end", () => unanswered("the connection was closed without an answer"));
    socket.write(line);
  });
}

/**
 * Tries until there is an answer or the time is over. A connection is kept for as long as it lasts, because an alert
 * that is written twice may be shipped twice; a lost one is created again.
 */
export async function sendUntilAccepted(socketPath: string, line: Buffer, withinMs: number): Promise<Exchange> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const result = await sendOnce(socketPath, line, Math.max(endsAt - performance.now(), 0));
    const leftMs = endsAt - performance.now();
    if (result.kind === "answered" || leftMs <= 0) return result;
    await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, 250)));
  }
}
