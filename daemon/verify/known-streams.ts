/** What earlier runs have seen of each stream: with it a chain that was cut off or exchanged is noticed. */
import { z } from "zod";
import { writeAtomically } from "../disk/atomic-file.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import type { ResolvedStream } from "./chain.ts";

const maxStateBytes = 16 * 1024 * 1024;
const maxStreams = 10_000;

const form = z.strictObject({
  version: z.literal(1),
  streams: z
    .array(
      z.strictObject({
        stream: z.string().max(64),
        node: z.string().max(1024),
        sequence: z.int().min(1),
        hash: z.string().regex(/^[0-9a-f]{64}$/),
        isOver: z.boolean(),
        isStopping: z.boolean(),
      }),
    )
    .max(maxStreams),
});
type KnownStream = z.infer<typeof form>["streams"][number];

/** The last manifest of each stream that was seen. */
export class KnownStreams {
  readonly #streams: Map<string, KnownStream>;

  constructor(streams: readonly KnownStream[] = []) {
    this.#streams = new Map(streams.map((one) => [one.stream, one]));
  }

  /**
   * Reads a file; one that is not there knows nothing.
   * @throws DfnError IO if it cannot be read, DATA if it is something else
   */
  static async read(path: string): Promise<KnownStreams> {
    let text: string;
    try {
      text = (await readRegularFile(path, { maxBytes: maxStateBytes, links: "refuse" })).toString();
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return new KnownStreams();
      throw new DfnError("IO", `--state ${path}: it cannot be read: ${describe(cause)}`, { cause });
    }
    try {
      return new KnownStreams(form.parse(JSON.parse(text)).streams);
    } catch (cause) {
      const text = "it is not a file of wazuh-dfn verify; name another one, or remove it to begin without";
      throw new DfnError("DATA", `--state ${path}: ${text}`, { cause });
    }
  }

  get(stream: string): KnownStream | undefined {
    return this.#streams.get(stream);
  }

  streamsOf(node: string): readonly string[] {
    return [...this.#streams.values()].filter((one) => one.node === node).map(({ stream }) => stream);
  }

  /** Those that no other stream has taken the place of. */
  get current(): readonly KnownStream[] {
    return [...this.#streams.values()].filter(({ isOver }) => !isOver);
  }

  /**
   * With the newest manifests. A stream never goes back: what was seen once stays asked for.
   * @param live those that no other stream has taken the place of
   */
  with(streams: readonly ResolvedStream[], live: ReadonlySet<string>): KnownStreams {
    const all = new Map(this.#streams);
    for (const { stream, chain } of streams) {
      const last = chain.at(-1);
      if (last === undefined) continue;
      const known = all.get(stream);
      const { sequence, hash, node, isStopping } = last;
      const isOver = !live.has(stream);
      if (known === undefined || known.sequence < sequence)
        all.set(stream, { stream, node, sequence, hash, isOver, isStopping });
      else all.set(stream, { ...known, isOver });
    }
    return new KnownStreams([...all.values()].slice(-maxStreams));
  }

  /** @throws DfnError IO */
  async write(path: string): Promise<void> {
    try {
      await writeAtomically(
        path,
        `${JSON.stringify({ version: 1, streams: [...this.#streams.values()] }, undefined, 1)}\n`,
      );
    } catch (cause) {
      throw new DfnError("IO", `--state ${path}: it cannot be written: ${describe(cause)}`, { cause });
    }
  }
}
