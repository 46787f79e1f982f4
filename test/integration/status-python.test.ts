import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../daemon/status/metrics.ts";
import { pythonInfo } from "../../daemon/status/python-daemon.ts";
import { StatusService } from "../../daemon/status/service.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { aForwarder } from "../unit/status/a-forwarder.ts";
import { alertLine, ask, StatusWorld } from "./status-world.ts";

test("a real forwarder answers the Python daemon's probes on each of its paths, and counts what it processed", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  world.writeLog(alertLine(1_700_000_000));
  await world.sentReach(1);
  for (const path of Object.values(pythonInfo.endpoints)) assert.equal((await world.ask(path)).status, 200, path);
  const json = async (path: string) => JSON.parse((await world.ask(path)).body);
  assert.equal((await json("/health")).status, "HEALTHY");
  assert.equal((await json("/health/ready")).ready, true);
  assert.equal((await json("/health/live")).alive, true);
  assert.ok((await json("/health/detailed")).system.memory_percent > 0);
  await eventually("the alert among those processed", async () => {
    const { workers } = await json("/status/workers");
    return workers.forwarder.performance.alerts_processed === 1;
  });
});

test("a forwarder that is not ready fails the probes for readiness, and passes the one for life", async () => {
  await using temp = await TempDir.create();
  await using status = new StatusService({
    facts: () => aForwarder({ isReady: false }),
    refresh: () => Promise.resolve(),
    metrics: new Metrics(),
  });
  const path = temp.join("status.sock");
  await status.listen({ kind: "unix", path }, silentLog);
  const codes = await Promise.all(
    ["/health", "/health/ready", "/health/detailed", "/health/live", "/status/system"].map((one) => ask(path, one)),
  );
  assert.deepEqual(
    codes.map((answer) => answer.status),
    [503, 503, 503, 200, 200],
  );
});
