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
import type { Environment } from "../environment.ts";

const newest = "checkpoint.json";
const former = "checkpoint.json.1";
/** Everything by which a start knows what came before. */
export const stateFiles = [newest, former, "window.bin"] as const;

/** What happens to the state directory and its contents. */
export const stateFaults: readonly Fault[] = [
  {
    name: "state-disk-full",
    keepsProcess: true,
    what: "the state directory's disk is full for seconds; delivery continues",
    needs: ["root"],
    async run(environment) {
      fill(environment.stateDir);
      await environment.pass(1000);
      await environment.arrival(5000);
      await environment.pass(environment.between(500, 2500));
      free(environment.stateDir);
    },
  },
  {
    name: "state-disk-full-and-killed",
    what: "SIGKILL while the state directory's disk is full; started while it is",
    needs: ["root"],
    async run(environment) {
      fill(environment.stateDir);
      await environment.pass(1500);
      await environment.forwarder.kill();
      await environment.forwarder.start();
      await environment.arrival(10_000);
      free(environment.stateDir);
    },
  },
  {
    name: "dead-letters-disk-full",
    keepsProcess: true,
    what: "two alerts, one of 8 MB, must become dead letters while the disk is full; the others are delivered",
    needs: ["root"],
    async run(environment) {
      fill(environment.stateDir);
      for (const denseBytes of [1_500_000, 8_000_000]) {
        environment.ledger.expectDead(environment.write(true, { denseBytes }).sequence);
      }
      await environment.arrival(10_000);
      await environment.pass(1500);
      free(environment.stateDir);
    },
  },
  {
    name: "state-read-only",
    keepsProcess: true,
    what: "nothing can be written to the state directory for seconds; delivery continues",
    needs: ["root"],
    async run(environment) {
      chmodSync(environment.stateDir, 0o555);
      try {
        await environment.pass(1000);
        await environment.arrival(5000);
        await environment.pass(environment.between(500, 2500));
      } finally {
        chmodSync(environment.stateDir, 0o755);
      }
    },
  },
  {
    name: "checkpoint-truncated",
    what: "the newest checkpoint is cut off at a byte while the forwarder is away; the one before it is used",
    copies: true,
    run: (environment) =>
      whileAway(environment, (path) => {
        truncateSync(path, environment.between(0, statSync(path).size - 2));
      }),
  },
  {
    name: "checkpoint-bit-flipped",
    what: "one bit of the newest checkpoint is flipped while the forwarder is away",
    copies: true,
    run: (environment) =>
      whileAway(environment, (path) => {
        const bytes = readFileSync(path);
        const at = environment.between(0, bytes.length - 2);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << environment.between(0, 7));
        writeFileSync(path, bytes);
      }),
  },
  {
    name: "checkpoint-foreign",
    what: "the newest checkpoint is another program's",
    copies: true,
    run: (environment) => whileAway(environment, (path) => writeFileSync(path, '{"version":99,"offset":1}\n')),
  },
  {
    name: "checkpoint-older",
    what: "an older checkpoint of ours is put back, as from a backup",
    copies: true,
    async run(environment) {
      const path = join(environment.stateDir, newest);
      const backup = environment.directory.join("backup");
      copyFileSync(path, backup);
      await environment.pass(2000);
      await whileAway(environment, () => {
        copyFileSync(backup, path);
        environment.testBed.give(path);
      });
    },
  },
  {
    name: "checkpoints-damaged",
    what: "both checkpoints are damaged; what they describe is found again by content, or all is read again",
    copies: true,
    isAlone: true,
    run: (environment) =>
      whileAway(environment, (path) => {
        for (const file of [path, join(environment.stateDir, former)].filter((file) => existsSync(file))) {
          truncateSync(file, environment.between(0, statSync(file).size - 2));
        }
      }),
  },
  {
    name: "state-lost",
    what: "the state directory is empty at the start: everything on disk is read again",
    copies: true,
    isAlone: true,
    run: (environment) =>
      whileAway(environment, () => {
        for (const file of stateFiles) rmSync(join(environment.stateDir, file), { force: true });
      }),
  },
];

/** Kills the forwarder, or stops it, does something to the newest checkpoint, and starts it again. */
async function whileAway(environment: Environment, damage: (checkpoint: string) => void): Promise<void> {
  if (environment.random() < 0.5) await environment.forwarder.kill();
  else await environment.forwarder.stop();
  await environment.pass(environment.between(0, 1000));
  damage(join(environment.stateDir, newest));
  await environment.forwarder.start();
}
