import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { AlertStream } from "../../rig/alert-stream.ts";
import { callIntegration } from "../../rig/wazuh/integratord.ts";
import type { Fault } from "../fault.ts";
import type { Environment } from "../environment.ts";
import { check } from "./support.ts";

/** What comes, or does not come, by the socket. */
export const socketFaults: readonly Fault[] = [
  {
    name: "both-ways-at-once",
    keepsProcess: true,
    what: "many alerts come by the socket and by the log, one way first or the other",
    async run(environment) {
      await inPlaceOfIntegratord(environment, async () => {
        await using stream = await AlertStream.connect(environment.socketPath);
        for (let round = 0; round < 10; round++) {
          const alerts = Array.from({ length: 60 }, () => environment.write(true));
          if (environment.random() < 0.5) environment.analysisd.flush();
          await stream.send(Buffer.concat(alerts.map(({ line }) => line)));
          await environment.pass(environment.between(0, 300));
        }
        await stream.end();
      });
    },
  },
  {
    name: "socket-flood",
    keepsProcess: true,
    what: "three clients send what is of no interest as fast as they can",
    async run(environment) {
      const line = Buffer.from(
        `{"timestamp":"flood","id":"1.1","rule":{"level":3},"data":{"x":"${"y".repeat(500)}"}}\n`,
      );
      const block = Buffer.concat(Array.from({ length: 200 }, () => line));
      const until = performance.now() + 3000;
      const flood = async (): Promise<void> => {
        await using stream = await AlertStream.connect(environment.socketPath);
        while (performance.now() < until) await stream.send(block);
        await stream.end();
      };
      await Promise.all([flood(), flood(), flood()]);
    },
  },
  {
    name: "socket-misused",
    keepsProcess: true,
    what: "clients that send half a line, nothing, garbage, or never read their answers, and 1,500 of them at once",
    async run(environment) {
      const clients: Socket[] = [];
      const garbage = Buffer.alloc(100_000, "x\n\0{");
      for (let one = 0; one < 1500; one++) {
        const client = createConnection(environment.socketPath);
        client.on("error", () => client.destroy()); // refused above the limit, which is right
        client.pause();
        if (one % 3 === 0) client.write('{"timestamp":"half');
        if (one % 30 === 1) client.write(garbage);
        clients.push(client);
        if (one % 100 === 0) await environment.pass(10);
      }
      await environment.pass(1500);
      for (const client of clients) client.destroy();
    },
  },
  {
    name: "called-while-away",
    what: "custom-dfn is called while the forwarder is away: it ends with 0, and the log delivers",
    async run(environment) {
      await environment.forwarder.stop();
      for (let call = 0; call < 8; call++) {
        const { line } = environment.write(true);
        const { exitCode } = await callIntegration(line, { hookUrl: `unix:${environment.socketPath}` });
        check(exitCode === 0, `custom-dfn ended with ${exitCode}`);
      }
      await environment.forwarder.start();
    },
  },
  {
    name: "caller-killed",
    keepsProcess: true,
    what: "integratord is restarted several times and loses the alerts that it always loses",
    async run(environment) {
      for (let round = environment.between(2, 4); round > 0; round--) {
        await environment.stopCaller();
        await environment.pass(environment.between(100, 500));
        environment.startCaller();
        await environment.pass(environment.between(100, 800));
      }
    },
  },
  {
    name: "client-cut-off",
    keepsProcess: true,
    what: "a client leaves in the middle of its alerts, with answers outstanding",
    async run(environment) {
      await inPlaceOfIntegratord(environment, async () => {
        for (let round = 0; round < 5; round++) await leaveEarly(environment);
      });
    },
  },
];

/**
 * Sends alerts over the socket while integratord sends none: it calls one program after the other, so only a second
 * sender could bring an agent's alerts out of order, and Wazuh has none.
 */
async function inPlaceOfIntegratord(environment: Environment, send: () => Promise<void>): Promise<void> {
  await environment.stopCaller();
  await send();
  // The next integratord starts at the end of the log, behind what was sent here.
  environment.analysisd.flush();
  environment.startCaller();
}

async function leaveEarly(environment: Environment): Promise<void> {
  const client = createConnection(environment.socketPath);
  await once(client, "connect");
  const lines = Array.from({ length: 50 }, () => environment.write(true).line);
  const bytes = Buffer.concat(lines);
  client.on("error", () => client.destroy()); // it closes first, so the other side may be seen to close
  client.write(bytes.subarray(0, environment.between(1, bytes.length - 1)));
  await environment.pass(environment.between(0, 50));
  client.destroy();
}
