import type { Socket } from "node:net";
import { formatAnswer, type Answer, type Status } from "../../../integration/protocol.ts";
import { Alert } from "../../alert/alert.ts";
import { NotJson } from "../../alert/json.ts";
import type { Outcome } from "../../contract.ts";
import type { Verdict } from "../../delivery/pipeline.ts";
import { LineReader, type LineRoom, type SocketLine } from "./line-reader.ts";

/** What a connection needs of the forwarder. */
export interface SocketIntake {
  /** Takes one alert. `settled` is called once if the verdict is "taken", "duplicate" or "rejected". */
  offer(bytes: Buffer, settled: (outcome: Outcome) => void): Verdict;
  /** A line over the limit; its beginning is kept among the dead letters. */
  overLong(head: Buffer, lengthBytes: number): void;
  /** With the tail off: resolves when an alert may be taken; undefined when one may be now or the tail is on. */
  room(): Promise<void> | undefined;
  /** Whether an answer waits for the sink (the tail is off), because then no other source has the alert. */
  readonly answersAfterOutcome: boolean;
}

/** What a connection needs of the source that all connections share. */
export interface ConnectionHost extends LineRoom {
  readonly maxLineBytes: number;
  /** The client wrote something. */
  heard(connection: SocketConnection): void;
  /** Whether an alert may be taken now; if not, `pump` is called once it may. */
  mayTake(): boolean;
  /** A line gets this answer. */
  answered(status: Status): void;
}

interface Slot {
  text?: string;
}

/** The last line had no newline and is not an alert: the client was cut off, so nobody waits for a dead letter of it. */
interface CutOff {
  readonly kind: "cut-off";
  readonly heldBytes: number;
}

type Lines = Iterator<SocketLine, undefined>;
const noLines: Lines = [].values();

/** Answers that may wait for an outcome before no further line is taken; besides these, the socket's own buffer fills. */
const maxUnsent = 2048;

/**
 * One client: reads lines, answers each, in their order. A client that is slow, silent or never reads holds up nobody
 * but itself: it has no thread and no lock, and what it has open is bounded.
 */
export class SocketConnection {
  readonly #socket: Socket;
  readonly #intake: SocketIntake;
  readonly #host: ConnectionHost;
  readonly #reader: LineReader;
  /** Answers in order; without text if one is not known yet. */
  #answers: Slot[] = [];
  #head = 0;
  #hasEnded = false;
  #isPumping = false;
  /** The lines of the last chunk. Each is cut when its turn comes: cut in advance, short ones take hundreds of times their bytes. */
  #lines: Lines = noLines;
  #chunkBytes = 0;
  /** Claimed from the room for the lines that wait. */
  #claimedBytes = 0;
  /** The next one, if it was asked for and is not taken yet. */
  #piece: SocketLine | CutOff | undefined;
  #isWaiting = false;

  constructor(socket: Socket, intake: SocketIntake, host: ConnectionHost) {
    this.#socket = socket;
    this.#intake = intake;
    this.#host = host;
    this.#reader = new LineReader(host.maxLineBytes, host);
    socket.on("data", (chunk: Buffer) => {
      if (this.#hasEnded) return;
      host.heard(this);
      // Nothing is read while lines wait, so all earlier ones have been taken.
      this.#lines = this.#reader.push(chunk);
      this.#chunkBytes = chunk.length;
      this.pump();
    });
    socket.on("end", () => {
      // Earlier lines may still be waiting.
      this.#hasEnded = true;
      this.pump();
    });
    socket.on("drain", () => this.pump());
    // What a client does to its connection is its affair; "close" follows and clears up.
    socket.on("error", () => undefined);
    socket.on("close", () => this.#forget());
  }

  /** Works through the lines that have arrived; nothing more is read while some of them wait. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#socket.destroyed) {
      // Answers that are known may go at once; what is full then is emptied by "drain" or by an outcome.
      if (this.#isFull()) this.#send();
      if (this.#isFull()) break;
      const piece = this.#next();
      if (piece === undefined || !this.#host.mayTake()) break;
      this.#piece = undefined;
      this.#take(piece);
      this.#host.release(piece.heldBytes);
    }
    this.#isPumping = false;
    this.#send();
    this.#isWaiting = !this.#socket.destroyed && this.#next() !== undefined;
    if (this.#isWaiting) this.#wait();
    else this.#goOn();
  }

  /** The line whose turn it is; the last one may have no newline. */
  #next(): SocketLine | CutOff | undefined {
    return (this.#piece ??= this.#lines.next().value ?? (this.#hasEnded ? this.#last() : undefined));
  }

  #last(): SocketLine | CutOff | undefined {
    const last = this.#reader.end();
    return last?.kind === "line" && !isObject(last.bytes) ? cutOff(last) : last;
  }

  /** Reads no more. A client that does not read its answers is dropped where there is no room for what it has sent. */
  #wait(): void {
    this.#socket.pause();
    if (this.#claimedBytes > 0) return;
    if (this.#host.take(this.#chunkBytes)) this.#claimedBytes = this.#chunkBytes;
    else if (this.#socket.writableNeedDrain) this.#socket.destroy();
  }

  #goOn(): void {
    this.#host.release(this.#claimedBytes);
    this.#claimedBytes = 0;
    if (!this.#hasEnded) this.#socket.resume();
  }

  /** Takes nothing more, and closes once the lines that were taken have their answers. */
  drain(): void {
    this.#socket.pause();
    this.#hasEnded = true;
    this.#forget();
    this.#send();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #forget(): void {
    this.#host.release(this.#claimedBytes + (this.#piece?.heldBytes ?? 0));
    this.#claimedBytes = 0;
    this.#piece = undefined;
    this.#lines = noLines;
    this.#isWaiting = false;
    this.#reader.dispose();
  }

  #isFull(): boolean {
    return this.#socket.writableNeedDrain || this.#answers.length - this.#head > maxUnsent;
  }

  #take(piece: SocketLine | CutOff): void {
    switch (piece.kind) {
      case "line":
        if (piece.bytes.length > 0) this.#offer(piece.bytes);
        else this.#answer("rejected", "empty line");
        break;
      case "over-long":
        this.#intake.overLong(piece.head, piece.length);
        this.#answer("rejected", `too long: ${piece.length} bytes`);
        break;
      case "no-room":
        this.#answer(this.#intake.answersAfterOutcome ? "rejected" : "accepted", "busy");
        break;
      case "cut-off":
        this.#answer("rejected", "the line was cut off");
    }
  }

  #answer(status: Status, reason: string): void {
    this.#answers.push({ text: this.#textOf({ status, id: undefined, reason }) });
  }

  #offer(bytes: Buffer): void {
    const slot: Slot = {};
    this.#answers.push(slot);
    let early: Outcome | undefined;
    let settle = (outcome: Outcome): void => {
      early = outcome;
    };
    const verdict = this.#intake.offer(bytes, (outcome) => settle(outcome));
    if (!this.#intake.answersAfterOutcome || !awaitsOutcome(verdict)) slot.text = this.#textOf(verdictAnswer(verdict));
    else if (early !== undefined) slot.text = this.#textOf(outcomeAnswer(verdict, early));
    else settle = (outcome) => this.#resolve(slot, this.#textOf(outcomeAnswer(verdict, outcome)));
  }

  #textOf(answer: Answer): string {
    this.#host.answered(answer.status);
    return formatAnswer(answer);
  }

  #resolve(slot: Slot, text: string): void {
    slot.text = text;
    this.#send();
    if (this.#isWaiting) this.pump();
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
    if (this.#hasEnded && this.#answers.length === 0 && this.#next() === undefined) this.#socket.end();
  }
}

function isObject(bytes: Buffer): boolean {
  try {
    Alert.parse(bytes);
    return true;
  } catch (reason) {
    if (reason instanceof NotJson) return false;
    throw reason;
  }
}

function cutOff({ heldBytes }: SocketLine): CutOff {
  return { kind: "cut-off", heldBytes };
}

function awaitsOutcome(verdict: Verdict): boolean {
  return verdict.kind === "taken" || verdict.kind === "duplicate";
}

const plainStatus = { taken: "accepted", salvaged: "accepted", duplicate: "duplicate", ignored: "ignored" } as const;

function verdictAnswer(verdict: Verdict): Answer {
  const { id, kind } = verdict;
  if (kind === "rejected") return { status: "rejected", id, reason: verdict.reason };
  if (kind !== "deferred") return { status: plainStatus[kind], id };
  return { status: verdict.alreadySeen ? "duplicate" : "accepted", id, reason: verdict.reason };
}

function outcomeAnswer(verdict: Verdict, outcome: Outcome): Answer {
  const { id } = verdict;
  if (outcome === "dead-letter") return { status: "accepted", id, reason: "kept as a dead letter" };
  return { status: verdict.kind === "duplicate" ? "duplicate" : "delivered", id };
}
