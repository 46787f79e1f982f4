/**
 * `npm run demo`: the whole way of an alert on this machine, without Wazuh and without Kafka. A made-up manager writes
 * alerts.json as analysisd does and runs the built custom-dfn as integratord does; the built forwarder writes records
 * into a file. It is killed in the middle. The demo checks its own claim: exit code 1 when it does not hold.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Manager } from "./demo/manager.ts";
import { say, sayCalls, sayExample, sayVerdict, sayWays, step } from "./demo/report.ts";

/** integratord gets through some 25 alerts a second. */
const livePerSecond = 15;
const burst = 200;

process.exitCode = (await demo()) ? 0 : 1;

async function demo(): Promise<boolean> {
  await using manager = await Manager.create();
  const { analysisd, integratord, ledger, queue } = manager;
  let written = 0;
  const write = async (perSecond: number, seconds: number): Promise<void> => {
    await analysisd.emitSteadily({ perSecond, seconds });
    written += perSecond * seconds;
  };

  say("A made-up Wazuh manager, the forwarder next to it, and a file in place of Kafka.\n");
  await step("the forwarder starts", () => manager.startForwarder());
  await step(`${livePerSecond} alerts a second: integratord calls custom-dfn for each`, () => write(livePerSecond, 3));
  await step("alerts.json is rotated, and is away for half a second", () => analysisd.rotate({ absentMs: 500 }));
  await step("more alerts, into the next file", () => write(livePerSecond, 2));
  await step("SIGKILL to the forwarder, in the middle of alerts", async () => {
    const writing = write(livePerSecond, 2);
    await delay(700);
    await manager.stopForwarder("SIGKILL");
    await writing;
  });
  await step(`${burst} alerts at once and a rotation, while it is dead`, async () => {
    await write(burst, 1);
    await analysisd.rotate();
  });
  await step("the forwarder starts again", () => manager.startForwarder());
  await step("it continues where it was; what integratord lost comes through the tail", async () => {
    await write(livePerSecond, 2);
    await manager.allDelivered(15_000);
  });
  const ended = await step("SIGTERM: it finishes, saves and ends", () => manager.stopForwarder("SIGTERM"));

  const { records } = manager;
  const judgement = ledger.judge(records);
  const feedback = queue.received.filter((event) => event.includes('"alert_id"')).length;
  say(`\n  went in          ${written} alerts, ${judgement.expected} of them relevant`);
  sayWays(records);
  sayCalls(integratord.calls);
  say(`  back to Wazuh    ${feedback} feedback events (around the kill some may come twice, or not at all)`);
  sayExample("A Windows record:", "windows-xml", records);
  sayExample("A fail2ban record:", "syslog5424-json", records);
  const holds = sayVerdict(judgement);
  if (ended !== 0) say(`The forwarder did not end properly: ${String(ended)}`);
  return holds && ended === 0;
}
