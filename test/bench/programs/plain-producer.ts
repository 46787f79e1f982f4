/**
 * What rows c, d and e are compared with: a plain program with kafkajs's own producer that sends the lines of a file,
 * as well as such a program can without a producer of its own: 1 MiB reads, 900 KB for each send, gzip level 1,
 * idempotent. When everything is sent it waits to be stopped, so that its processor time and memory can be read.
 *
 * Arguments: brokers, topic, file, and `all` or `relevant`: only lines with a Windows event id that matters.
 */
import { once } from "node:events";
import { closeSync, openSync, readSync } from "node:fs";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import kafkajs from "kafkajs";
import { defaultEventIds } from "../../../daemon/handlers/windows.ts";
import { present } from "../../rig/present.ts";

const { CompressionCodecs, CompressionTypes, Kafka, Partitioners, logLevel } = kafkajs;

const sendBytes = 900_000;
const key = Buffer.from('"eventID":"');
const wanted: ReadonlySet<string> = new Set(defaultEventIds);

const [brokers, topic, path, which] = process.argv.slice(2).map((argument) => present(argument));
const relevantOnly = which === "relevant";
const zip = promisify(gzip);
CompressionCodecs[CompressionTypes.GZIP] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => zip(buffer, { level: 1 }),
  decompress: async (buffer: Buffer) => promisify(gunzip)(buffer),
});

const kafka = new Kafka({ clientId: "plain", brokers: present(brokers).split(","), logLevel: logLevel.ERROR });
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  allowAutoTopicCreation: false,
  createPartitioner: Partitioners.DefaultPartitioner,
});
await producer.connect();

let messages: { value: Buffer; partition: number }[] = [];
let messageBytes = 0;

async function send(): Promise<void> {
  if (messages.length === 0) return;
  await producer.send({ topic: present(topic), acks: -1, compression: CompressionTypes.GZIP, messages });
  messages = [];
  messageBytes = 0;
}

async function take(line: Buffer): Promise<void> {
  if (messageBytes + line.length > sendBytes) await send();
  messages.push({ value: line, partition: 0 });
  messageBytes += line.length;
}

/** Takes the lines of whole lines. */
async function takeAll(bytes: Buffer): Promise<void> {
  for (let at = 0, end = bytes.indexOf(0x0a); end >= 0; at = end + 1, end = bytes.indexOf(0x0a, at)) {
    await take(bytes.subarray(at, end));
  }
}

/** Takes the lines with an event that matters: one search for the key, and a look at the value after it. */
async function takeRelevant(bytes: Buffer): Promise<void> {
  for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + key.length)) {
    const value = at + key.length;
    if (!wanted.has(bytes.toString("latin1", value, bytes.indexOf(0x22, value)))) continue;
    const end = bytes.indexOf(0x0a, at);
    await take(bytes.subarray(bytes.lastIndexOf(0x0a, at) + 1, end));
    at = end;
  }
}

const file = openSync(present(path), "r");
let carry = Buffer.alloc(0);
for (;;) {
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  const count = readSync(file, chunk);
  if (count === 0) break;
  const bytes = Buffer.concat([carry, chunk.subarray(0, count)]);
  const end = bytes.lastIndexOf(0x0a) + 1;
  carry = bytes.subarray(end);
  await (relevantOnly ? takeRelevant(bytes.subarray(0, end)) : takeAll(bytes.subarray(0, end)));
}
closeSync(file);
await send();
const keepsRunning = setInterval(() => undefined, 60_000);
await once(process, "SIGTERM");
clearInterval(keepsRunning);
await producer.disconnect();
