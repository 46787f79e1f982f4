import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { maxAnswerBytes, parseAnswer } from "../../../integration/protocol.ts";
import { maxDepth } from "../../../daemon/kernel/memory.ts";
import { SocketWorld } from "../../rig/socket-world.ts";
import { chunksOf, drawOf, linesOf } from "../chunks.ts";
import { depthOf, parsedObject } from "../oracles.ts";
import { alerts, alertWords, hostileJson } from "../seeds.ts";
import type { Subject, Target } from "../target.ts";

const maxLineBytes = 32 * 1024;
/** Never comes if each line is answered: it only ends a wait that would never end. */
const silentMs = 120_000;

/** The line protocol on a real socket, with the tail on: each line is answered once, in order, and correctly. */
export const socket: Target = {
  name: "socket",
  seeds: [
    ...alerts.slice(0, 3),
    ...hostileJson.map((json) => Buffer.concat([json, Buffer.from("\n")])),
    Buffer.from('{"id":"1.1","wanted":true}\n\n{"id":"1.1"}\r\n{}\n{"id":" "}\n{"id":"a\\nb","wanted":true}\n{"id":7'),
    Buffer.alloc(9000, "\n"),
    Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Buffer.concat([Buffer.alloc(maxLineBytes + 1, "x"), Buffer.from('\n{"id":"2.2"}')]),
  ],
  words: [...alertWords, "\n", "\n\n", "\r\n", '"id":"1.1"', '"wanted":true', '{"id":"3.3"}\n'],
  testInputs: 50,
  async open(): Promise<Subject> {
    const world = await SocketWorld.listen({ maxLineBytes });
    return {
      judge: (input) => judge(input, world),
      close: () => world[Symbol.asyncDispose](),
    };
  },
};

async function judge(input: Buffer, world: SocketWorld): Promise<string> {
  const text = await answerTo(input, world.path);
  assert.ok(text === "" || text.endsWith("\n"));
  const answers = text.split("\n").slice(0, -1);
  const { lines, rest } = linesOf(input);
  assert.equal(answers.length, lines.length + (rest.length > 0 ? 1 : 0), "one answer to each line");
  const statuses = new Set<string>();
  for (const [index, line] of [...lines, rest].entries()) {
    const answer = answers[index];
    if (answer === undefined) continue;
    assert.ok(answer.length < maxAnswerBytes && /^[\x20-\x7e]*$/.test(answer), "an answer is one short line");
    const { status, reason } = parseAnswer(answer) ?? assert.fail(`no answer: ${answer}`);
    statuses.add(`${status} ${reason?.replace(/\d+/g, "N") ?? ""}`);
    const wanted = refusalOf(line, index === lines.length);
    assert.equal(status === "rejected", wanted !== undefined, `${answer} to ${line.toString("latin1", 0, 80)}`);
    if (wanted !== undefined) assert.match(reason ?? "", wanted);
  }
  return [...statuses].toSorted().join(", ");
}

/** Why a line is refused; undefined if it is not. */
function refusalOf(line: Buffer, isLast: boolean): RegExp | undefined {
  if (line.length > maxLineBytes) return /^too long/;
  const bytes = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  const alert = parsedObject(bytes);
  const isAlert = alert !== undefined && depthOf(bytes.toString()) <= maxDepth;
  if (isLast && !isAlert) return /cut off/;
  if (bytes.length === 0) return /^empty/;
  if (!isAlert) return /^not JSON/;
  const id = alert["id"];
  return typeof id === "number" || (typeof id === "string" && id !== "") ? undefined : /^no id/;
}

/** All that comes back, until the forwarder has closed too. */
async function answerTo(input: Buffer, path: string): Promise<string> {
  const client = createConnection({ path, allowHalfOpen: true });
  let text = "";
  client.setEncoding("latin1").on("data", (part: string) => (text += part));
  const ended = once(client, "end");
  client.setTimeout(silentMs, () => client.destroy(new Error("the forwarder no longer answers")));
  await once(client, "connect");
  for (const chunk of chunksOf(input, drawOf(input))) client.write(chunk);
  client.end();
  await ended;
  client.destroy();
  return text;
}
