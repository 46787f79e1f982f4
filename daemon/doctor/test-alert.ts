import { randomInt } from "node:crypto";

/** An alert that the forwarder answers and does not send. */
export interface TestAlert {
  readonly id: string;
  /** With its newline. */
  readonly line: Buffer;
}

/**
 * It claims that the forwarder's own feedback raised it: such alerts are never forwarded, whatever the handlers are
 * (`Alert.isOwn`), so the answer is `ignored` and nothing reaches the sink.
 */
export function makeTestAlert(now = new Date()): TestAlert {
  const id = `${Math.floor(now.getTime() / 1000)}.${randomInt(1_000_000_000)}`;
  const alert = {
    timestamp: now.toISOString().replace("Z", "+0000"),
    rule: { level: 3, description: "wazuh-dfn doctor: test alert, goes nowhere", id: "100000", groups: ["dfn"] },
    agent: { id: "000", name: "wazuh-dfn-doctor" },
    manager: { name: "wazuh-dfn-doctor" },
    id,
    data: { integration: "dfn" },
    location: "dfn",
  };
  return { id, line: Buffer.from(`${JSON.stringify(alert)}\n`) };
}
