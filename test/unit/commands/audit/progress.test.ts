import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { showAuditProgress } from "../../../../daemon/commands/audit/progress.ts";
import { eventually } from "../../../rig/eventually.ts";

class Screen extends Writable {
  readonly isTTY: boolean;
  text = "";

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

test("progress is one line on a terminal, which is erased at the end, and nothing elsewhere", async () => {
  const progress = { phase: "log" as const, files: 1, ofFiles: 2, bytes: 3_000_000, expected: 7, kept: 0 };
  const [terminal, pipe] = [new Screen(true), new Screen(false)];
  const ends = [terminal, pipe].map((screen) => showAuditProgress(screen, progress));
  await eventually("a line", () => terminal.text.includes("log: 1 of 2 files, 3 MB, 7 relevant"));
  for (const end of ends) end();
  assert.ok(terminal.text.endsWith("\r\u001b[K") && !terminal.text.includes("\n"));
  assert.equal(pipe.text, "");
});
