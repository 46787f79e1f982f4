import { check } from "./support.ts";
import { inTime, type Fault } from "../fault.ts";
import { permission } from "../ground.ts";
import type { Stage } from "../stage.ts";

/** What happens to the forwarder's process. */
export const forwarderFaults: readonly Fault[] = [
  {
    name: "killed",
    what: "SIGKILL under load, several times, started again at once",
    async run(stage) {
      for (let round = stage.between(2, 4); round > 0; round--) {
        await stage.pass(stage.between(300, 2500));
        await stage.forwarder.kill();
        await stage.forwarder.start();
      }
    },
  },
  {
    name: "killed-while-starting",
    what: "SIGKILL within the first second, several times",
    async run(stage) {
      for (let round = 0; round < 4; round++) {
        await stage.forwarder.kill();
        stage.forwarder.launch();
        await stage.pass(stage.between(100, 1000));
      }
      await stage.forwarder.kill();
      await stage.forwarder.start();
    },
  },
  {
    name: "killed-without-read-permission",
    what: "SIGKILL where the forwarder may not read its topic: what was in flight may come twice",
    copies: true,
    async run(stage) {
      const denied = permission({ topic: stage.topic, denied: "read" });
      await stage.ground.kafka.allow([denied]);
      await stage.forwarder.kill();
      await stage.forwarder.start();
      await stage.pass(2000);
      await stage.ground.kafka.revoke([denied]);
    },
  },
  {
    name: "stopped-and-started",
    what: "SIGTERM under load, several times, started again after a while",
    async run(stage) {
      for (let round = stage.between(2, 4); round > 0; round--) {
        await stage.pass(stage.between(300, 2000));
        await stage.forwarder.stop();
        await stage.pass(stage.between(0, 800));
        await stage.forwarder.start();
      }
    },
  },
  {
    name: "stopped-in-outage",
    what: "SIGTERM while no broker answers; started while none does",
    async run(stage) {
      await silently(stage, async () => {
        await stage.pass(1500);
        await stage.forwarder.stop();
        await stage.forwarder.start();
        await stage.pass(1000);
      });
    },
  },
  {
    name: "killed-in-outage",
    what: "SIGKILL while no broker answers; started while none does",
    async run(stage) {
      await silently(stage, async () => {
        await stage.pass(1500);
        await stage.forwarder.kill();
        await stage.forwarder.start();
        await stage.pass(1000);
      });
    },
  },
  {
    name: "stands-still",
    what: "SIGSTOP for seconds, then SIGCONT",
    run: (stage) => stage.forwarder.standStill(stage.between(2000, 5000)),
  },
  {
    name: "second-instance",
    what: "another forwarder on the same state directory ends at once",
    async run(stage) {
      await using second = stage.forwarder.launchBeside();
      const started = performance.now();
      const ended = await second.end();
      check(ended !== 0, "the second forwarder did not refuse");
      inTime("the second forwarder's refusal", performance.now() - started, 2000);
    },
  },
  {
    name: "reloaded",
    what: "SIGHUP with changed settings under load, several times",
    async run(stage) {
      for (let round = stage.between(2, 4); round > 0; round--) {
        stage.settings = { ...stage.settings, limits: { memory: `${stage.between(32, 64)}MiB` } };
        stage.configure();
        await stage.forwarder.reload(/"msg":"started"/);
        await stage.pass(stage.between(200, 1000));
      }
    },
  },
  {
    name: "reloaded-badly",
    what: "SIGHUP with settings that are wrong: the old ones stay",
    async run(stage) {
      for (const text of ["{ not yaml", '{"dfn": {"customer_id": "other", "no_such_key": 1}}']) {
        stage.configure(text);
        await stage.forwarder.reload(/the old ones stay/);
      }
      stage.configure();
    },
  },
];

async function silently(stage: Stage, during: () => Promise<void>): Promise<void> {
  const { relays } = stage.ground;
  for (const relay of relays) relay.road.isStalled = true;
  try {
    await during();
  } finally {
    for (const relay of relays) relay.road.isStalled = false;
  }
}
