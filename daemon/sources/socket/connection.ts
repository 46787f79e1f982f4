import type { Socket } from "node:net";
import { formatAnswer } from "../../../integration/protocol.ts";
import type { Outcome } from "../../delivery/contract.ts";
import type { Verdict } from "../../delivery/pipeline.ts";
import { LineReader, type PartialRoom, type Piece } from "./line-reader.ts";

/** What a connection needs of the forwarder. */
export interface SocketIntake {
  /** Takes one alert. `settled` is called once where the verdict is "taken", "second" or "rejected". */
  offer(bytes: Buffer, settled: (outcome: Outcome) => void): Verdict;
  /** A line over the limit; its beginning is kept among the dead letters. */
  overLong(head: Buffer, lengthBytes: number): void;
  /** With the tail off: resolves when an alert may be taken; undefined when one may be now or the tail is on. */
  room(): Promise<void> | undefined;
  /** Whether an answer waits for the sink (the tail is off), because then nothing else stands behind the alert. */
  readonly answersAfterOutcome: boolean;
}

interface Slot {
  text?: string;
}

/** Answers that a client may leave unread before nothing more is read from it. */
const maxUnreadBytes = 64 * 1024;

/**
 * One client: reads lines, answers each, in their order. A client that is slow, silent or never reads holds up nobody
 * but itself: it has no thread and no lock, and what it has open is bounded.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #intake: SocketIntake;
  readonly #reader: LineReader;
  readonly #onActive: () => void;
  /** Answers in order; without text where one is not known yet. */
  #answers: Slot[] = [];
  #head = 0;
  #hasEnded = false;
  #isPumping = false;
  #pieces: Piece[] = [];

  constructor(socket: Socket, intake: SocketIntake, maxLineBytes: number, room: PartialRoom, onActive: () => void) {
    this.#socket = socket;
    this.#intake = intake;
    this.#reader = new LineReader(maxLineBytes, room);
    this.#onActive = onActive;
    socket.on("data", (chunk: Buffer) => {
      this.#onActive();
      this.#pieces.push(...this.#reader.push(chunk));
      void this.#pump();
    });
    socket.on("end", () => {
      const last = this.#reader.end();
      if (last !== undefined) this.#pieces.push(last);
      this.#hasEnded = true;
      void this.#pump();
    });
    socket.on("drain", () => void this.#pump());
    // What a client does to its connection is its affair; "close" follows and clears up.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#pieces = [];
      this.#reader.dispose();
    });
  }

  /** Works through the lines that have arrived; reading pauses while they wait. */
  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    let next = 0;
    for (; next < this.#pieces.length && !this.#isFull(); next++) {
      const room = this.#intake.room();
      if (room !== undefined) {
        this.#socket.pause();
        this.#send();
        await room;
      }
      const piece = this.#pieces[next];
      if (piece !== undefined && !this.#socket.destroyed) this.#take(piece);
    }
    this.#pieces.splice(0, next);
    this.#isPumping = false;
    this.#send();
    if (this.#pieces.length > 0) this.#socket.pause();
    else this.#socket.resume();
  }

  #isFull(): boolean {
    return this.#socket.writableLength + (this.#answers.length - this.#head) * 32 > maxUnreadBytes;
  }

  #take(piece: Piece): void {
    if (piece.kind === "line") {
      if (piece.bytes.length > 0) this.#offer(piece.bytes);
    } else if (piece.kind === "over-long") {
      this.#intake.overLong(piece.head, piece.length);
      this.#answers.push({
        text: formatAnswer({ status: "rejected", id: undefined, reason: `too long: ${piece.length} bytes` }),
      });
    } else {
      const isCovered = !this.#intake.answersAfterOutcome;
      const status = isCovered ? "accepted" : "rejected";
      this.#answers.push({ text: formatAnswer({ status, id: undefined, reason: "busy" }) });
    }
  }

  #offer(bytes: Buffer): void {
    const slot: Slot = {};
    this.#answers.push(slot);
    let early: Outcome | undefined;
    let verdict: Verdict | undefined;
    verdict = this.#intake.offer(bytes, (outcome) => {
      if (verdict === undefined) early = outcome;
      else if (slot.text === undefined) this.#resolve(slot, outcomeAnswer(verdict, outcome));
    });
    if (!this.#intake.answersAfterOutcome || !awaitsOutcome(verdict)) slot.text = verdictAnswer(verdict);
    else if (early !== undefined) slot.text = outcomeAnswer(verdict, early);
  }

  #resolve(slot: Slot, text: string): void {
    slot.text = text;
    this.#send();
    if (this.#pieces.length > 0) void this.#pump();
  }

  /** Writes the answers that are known, up to the first that is not. */
  #send(): void {
    let text = "";
    for (let next = this.#answers[this.#head]; next?.text !== undefined; next = this.#answers[this.#head]) {
      text += next.text;
      this.#head += 1;
    }
    if (this.#head > 1024 || this.#head === this.#answers.length) {
      this.#answers = this.#answers.slice(this.#head);
      this.#head = 0;
    }
    if (this.#socket.destroyed) return;
    if (text !== "") this.#socket.write(text);
    if (this.#hasEnded && this.#answers.length === 0 && this.#pieces.length === 0) this.#socket.end();
  }
}

function awaitsOutcome(verdict: Verdict): boolean {
  return verdict.kind === "taken" || verdict.kind === "second";
}

function verdictAnswer(verdict: Verdict): string {
  const { id } = verdict;
  switch (verdict.kind) {
    case "taken":
      return formatAnswer({ status: "accepted", id });
    case "second":
      return formatAnswer({ status: "duplicate", id });
    case "ignored":
      return formatAnswer({ status: "ignored", id });
    case "left":
      return formatAnswer({ status: verdict.isSeen ? "duplicate" : "accepted", id, reason: verdict.reason });
    case "rejected":
      return formatAnswer({ status: "rejected", id, reason: verdict.reason });
  }
}

function outcomeAnswer(verdict: Verdict, outcome: Outcome): string {
  const { id } = verdict;
  if (outcome === "dead-letter") return formatAnswer({ status: "accepted", id, reason: "kept as a dead letter" });
  return formatAnswer({ status: verdict.kind === "second" ? "duplicate" : "delivered", id });
}
