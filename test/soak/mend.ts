import { passwords, permission } from "./ground.ts";
import { free } from "./small-disk.ts";
import type { Stage } from "./stage.ts";

/** Puts everything back after a fault that ended too early, so that the next one starts from a whole world. */
export async function mend(stage: Stage): Promise<void> {
  const { ground } = stage;
  ground.firewall?.clear();
  if (ground.clock !== undefined) ground.clock.offsetMs = 0;
  ground.leadTo("127.0.0.1");
  for (let id = 1; id <= ground.relays.length; id++) ground.kafka.resume(id);
  await ground.kafka.startAll();
  for (const relay of ground.relays) {
    Object.assign(relay.road, { delayMs: 0, bytesPerSecond: 0, isStalled: false, longestAnswerBytes: 0 });
    await relay.listen("127.0.0.1");
  }
  ground.use("GOOD");
  ground.writeClientFiles(stage.directory.join("tls"), "ca");
  stage.writePassword(passwords.GOOD);
  free(stage.stateDir);
  const denied = (["read", "write"] as const).map((kind) => permission({ topic: stage.topic, denied: kind }));
  await ground.kafka.revoke(denied);
  if (!stage.forwarder.isRunning) await stage.forwarder.start();
}
