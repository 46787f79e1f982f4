import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Fault } from "../fault.ts";
import { fill, free } from "../small-disk.ts";
import type { Stage } from "../stage.ts";

const newest = "checkpoint.json";
const former = "checkpoint.json.1";
/** All by which a start knows what was before. */
export const stateFiles = [newest, former, "window.bin"] as const;

/** What happens to the state directory and what stands in it. */
export const stateFaults: readonly Fault[] = [
  {
    name: "state-disk-full",
    what: "the state directory's disk is full for seconds; delivery goes on",
    needs: ["root"],
    async run(stage) {
      fill(stage.stateDir);
      await stage.pass(1000);
      await stage.arrival(5000);
      await stage.pass(stage.between(500, 2500));
      free(stage.stateDir);
    },
  },
  {
    name: "state-disk-full-and-killed",
    what: "SIGKILL while the state directory's disk is full; started while it is",
    needs: ["root"],
    async run(stage) {
      fill(stage.stateDir);
      await stage.pass(1500);
      await stage.forwarder.kill();
      await stage.forwarder.start();
      await stage.arrival(10_000);
      free(stage.stateDir);
    },
  },
  {
    name: "dead-letters-disk-full",
    what: "two alerts, one of 8 MB, must become dead letters while the disk is full; the others go on",
    needs: ["root"],
    async run(stage) {
      fill(stage.stateDir);
      for (const denseBytes of [1_500_000, 8_000_000]) {
        stage.ledger.expectDead(stage.write(true, { denseBytes }).sequence);
      }
      await stage.arrival(10_000);
      await stage.pass(1500);
      free(stage.stateDir);
    },
  },
  {
    name: "state-read-only",
    what: "nothing can be written in the state directory for seconds; delivery goes on",
    needs: ["root"],
    async run(stage) {
      chmodSync(stage.stateDir, 0o555);
      try {
        await stage.pass(1000);
        await stage.arrival(5000);
        await stage.pass(stage.between(500, 2500));
      } finally {
        chmodSync(stage.stateDir, 0o755);
      }
    },
  },
  {
    name: "checkpoint-truncated",
    what: "the newest checkpoint is cut off at a byte while the forwarder is away; the one before it is used",
    copies: true,
    run: (stage) =>
      whileAway(stage, (path) => {
        truncateSync(path, stage.between(0, statSync(path).size - 2));
      }),
  },
  {
    name: "checkpoint-bit-flipped",
    what: "one bit of the newest checkpoint is another while the forwarder is away",
    copies: true,
    run: (stage) =>
      whileAway(stage, (path) => {
        const bytes = readFileSync(path);
        const at = stage.between(0, bytes.length - 2);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << stage.between(0, 7));
        writeFileSync(path, bytes);
      }),
  },
  {
    name: "checkpoint-foreign",
    what: "the newest checkpoint is another program's",
    copies: true,
    run: (stage) => whileAway(stage, (path) => writeFileSync(path, '{"version":99,"offset":1}\n')),
  },
  {
    name: "checkpoint-older",
    what: "an older checkpoint of ours is put back, as from a backup",
    copies: true,
    async run(stage) {
      const path = join(stage.stateDir, newest);
      const backup = stage.directory.join("backup");
      copyFileSync(path, backup);
      await stage.pass(2000);
      await whileAway(stage, () => {
        copyFileSync(backup, path);
        stage.ground.give(path);
      });
    },
  },
  {
    name: "checkpoints-damaged",
    what: "both checkpoints are damaged; what stands in them is found again by content, or all is read again",
    copies: true,
    isAlone: true,
    run: (stage) =>
      whileAway(stage, (path) => {
        for (const file of [path, join(stage.stateDir, former)].filter((file) => existsSync(file))) {
          truncateSync(file, stage.between(0, statSync(file).size - 2));
        }
      }),
  },
  {
    name: "state-lost",
    what: "the state directory is empty at the start: everything on disk is read again",
    copies: true,
    isAlone: true,
    run: (stage) =>
      whileAway(stage, () => {
        for (const file of stateFiles) rmSync(join(stage.stateDir, file), { force: true });
      }),
  },
];

/** Kills the forwarder, or stops it, does something to the newest checkpoint, and starts it again. */
async function whileAway(stage: Stage, damage: (checkpoint: string) => void): Promise<void> {
  if (stage.random() < 0.5) await stage.forwarder.kill();
  else await stage.forwarder.stop();
  await stage.pass(stage.between(0, 1000));
  damage(join(stage.stateDir, newest));
  await stage.forwarder.start();
}
