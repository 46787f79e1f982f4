import { passwords, permission } from "./test-bed.ts";
import { free } from "./small-disk.ts";
import type { Environment } from "./environment.ts";

/** Puts everything back after a fault that ended too early, so that the next one starts with everything working. */
export async function repair(environment: Environment): Promise<void> {
  const { testBed } = environment;
  testBed.firewall?.clear();
  if (testBed.clock !== undefined) testBed.clock.offsetMs = 0;
  testBed.leadTo("127.0.0.1");
  testBed.askNames(undefined);
  environment.brokers = undefined;
  for (let id = 1; id <= testBed.relays.length; id++) testBed.kafka.resume(id);
  await testBed.kafka.startAll();
  for (const relay of testBed.relays) {
    Object.assign(relay.road, { delayMs: 0, bytesPerSecond: 0, isStalled: false, longestAnswerBytes: 0 });
    await relay.listen("127.0.0.1");
  }
  testBed.use("GOOD");
  testBed.writeClientFiles(environment.directory.join("tls"), "ca");
  environment.writePassword(passwords.GOOD);
  free(environment.stateDir);
  const denied = (["read", "write"] as const).map((kind) => permission({ topic: environment.topic, denied: kind }));
  await testBed.kafka.revoke(denied);
  if (!environment.forwarder.isRunning) await environment.forwarder.start();
}
