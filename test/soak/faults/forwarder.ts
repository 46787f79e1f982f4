import { check } from "./support.ts";
import { inTime, type Fault } from "../fault.ts";
import { permission } from "../test-bed.ts";
import type { Environment } from "../environment.ts";

/** What happens to the forwarder's process. */
export const forwarderFaults: readonly Fault[] = [
  {
    name: "killed",
    what: "SIGKILL under load, several times, started again at once",
    async run(environment) {
      for (let round = environment.between(2, 4); round > 0; round--) {
        await environment.pass(environment.between(300, 2500));
        await environment.forwarder.kill();
        await environment.forwarder.start();
      }
    },
  },
  {
    name: "killed-while-starting",
    what: "SIGKILL within the first second, several times",
    async run(environment) {
      for (let round = 0; round < 4; round++) {
        await environment.forwarder.kill();
        environment.forwarder.launch();
        await environment.pass(environment.between(100, 1000));
      }
      await environment.forwarder.kill();
      await environment.forwarder.start();
    },
  },
  {
    name: "killed-without-read-permission",
    what: "SIGKILL while the forwarder may not read its topic: what was in flight may come twice",
    copies: true,
    async run(environment) {
      const denied = permission({ topic: environment.topic, denied: "read" });
      await environment.testBed.kafka.allow([denied]);
      await environment.forwarder.kill();
      await environment.forwarder.start();
      await environment.pass(2000);
      await environment.testBed.kafka.revoke([denied]);
    },
  },
  {
    name: "stopped-and-started",
    what: "SIGTERM under load, several times, started again after a while",
    async run(environment) {
      for (let round = environment.between(2, 4); round > 0; round--) {
        await environment.pass(environment.between(300, 2000));
        await environment.forwarder.stop();
        await environment.pass(environment.between(0, 800));
        await environment.forwarder.start();
      }
    },
  },
  {
    name: "stopped-in-outage",
    what: "SIGTERM while no broker answers; started while none does",
    async run(environment) {
      await silently(environment, async () => {
        await environment.pass(1500);
        await environment.forwarder.stop();
        await environment.forwarder.start();
        await environment.pass(1000);
      });
    },
  },
  {
    name: "killed-in-outage",
    what: "SIGKILL while no broker answers; started while none does",
    async run(environment) {
      await silently(environment, async () => {
        await environment.pass(1500);
        await environment.forwarder.kill();
        await environment.forwarder.start();
        await environment.pass(1000);
      });
    },
  },
  {
    name: "suspended",
    keepsProcess: true,
    what: "SIGSTOP for seconds, then SIGCONT",
    run: (environment) => environment.forwarder.suspend(environment.between(2000, 5000)),
  },
  {
    name: "second-instance",
    keepsProcess: true,
    what: "another forwarder on the same state directory ends at once",
    async run(environment) {
      await using second = environment.forwarder.launchBeside();
      const started = performance.now();
      const ended = await second.end();
      check(ended !== 0, "the second forwarder did not refuse");
      inTime("the second forwarder's refusal", performance.now() - started, 2000);
    },
  },
  {
    name: "reloaded",
    keepsProcess: true,
    what: "SIGHUP with changed settings under load, several times",
    async run(environment) {
      for (let round = environment.between(2, 4); round > 0; round--) {
        environment.settings = { ...environment.settings, limits: { memory: `${environment.between(32, 64)}MiB` } };
        environment.configure();
        await environment.forwarder.reload(/"msg":"started"/);
        await environment.pass(environment.between(200, 1000));
      }
    },
  },
  {
    name: "reloaded-badly",
    keepsProcess: true,
    what: "SIGHUP with settings that are wrong: the old ones stay",
    async run(environment) {
      for (const text of ["{ not yaml", '{"dfn": {"customer_id": "other", "no_such_key": 1}}']) {
        environment.configure(text);
        await environment.forwarder.reload(/the old ones stay/);
      }
      environment.configure();
    },
  },
];

async function silently(environment: Environment, during: () => Promise<void>): Promise<void> {
  const { relays } = environment.testBed;
  for (const relay of relays) relay.road.isStalled = true;
  try {
    await during();
  } finally {
    for (const relay of relays) relay.road.isStalled = false;
  }
}
