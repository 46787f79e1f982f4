import { once } from "node:events";
import { closeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { loadNative } from "../../os/native.ts";
import { type Account, type AccessRefusal, refusalFor } from "../accounts.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { describe, errnoOf } from "../../errors.ts";
import { formatQueueAddress, type QueueAddress } from "../../wazuh/queue-address.ts";

/** Time for a relay to accept a connection. */
const connectWithinMs = 4000;

export interface QueueFacts {
  readonly home: string;
  readonly path: string;
  readonly writer: string;
  readonly refusal: AccessRefusal | undefined;
  /** Whether there is a socket at the path. */
  readonly isSocket: boolean;
  /** The name of the error of connecting (nothing is sent), undefined if that works. */
  readonly fault: string | undefined;
}

/** Whether the forwarder can report to Wazuh what became of alerts. Alerts are sent even without it. */
export function judgeQueue({ home, path, writer, refusal, isSocket, fault }: QueueFacts): CheckResult[] {
  if (refusal?.kind === "absent") {
    return [warning(`${path} does not exist: analysisd has never run here`, `${home}/bin/wazuh-control start`)];
  }
  if (refusal?.kind === "refused") {
    const text = `${writer} may not write to ${path}: ${refusal.path} does not allow it`;
    return [warning(text, `usermod -aG wazuh ${writer} && systemctl restart wazuh-dfn`)];
  }
  if (refusal?.kind === "unseen") return [unseen(path)];
  if (!isSocket) return [failed(`${path} is not a socket`, `rm ${path} && ${home}/bin/wazuh-control restart`)];
  if (fault === "ECONNREFUSED") {
    return [warning(`nobody listens on ${path}: analysisd is not running`, `${home}/bin/wazuh-control start`)];
  }
  if (fault !== undefined) return [warning(`${path}: connecting fails with ${fault}`, `ls -l ${path}`)];
  return [ok(`analysisd listens on ${path}, and ${writer} may write to it`)];
}

/** A relay in front of the queue. What is behind it cannot be seen from here. */
interface RelayFacts {
  readonly address: Extract<QueueAddress, { readonly kind: "tcp" }>;
  /** The name of the error of connecting (nothing is sent), undefined if that works. */
  readonly fault: string | undefined;
}

/** Whether the relay accepts a connection. Alerts are sent even without it. */
export function judgeRelay({ address, fault }: RelayFacts): CheckResult[] {
  const { host, port } = address;
  const name = formatQueueAddress(address);
  const isReached = fault === undefined;
  if (isReached)
    return [ok(`${name} accepts connections; whether events reach analysisd can only be checked on its manager`)];
  const isNameless = fault === "ENOTFOUND" || fault === "EAI_AGAIN";
  const remedy = isNameless ? `getent hosts ${host}` : `timeout 5 bash -c '</dev/tcp/${host}/${port}'`;
  const why = fault === "ECONNREFUSED" ? "nobody listens there" : `connecting fails with ${fault}`;
  return [warning(`${name}: ${why}, so events for Wazuh wait`, `${remedy}  # is the relay of wazuh.queue running?`)];
}

export async function lookAtRelay(address: RelayFacts["address"]): Promise<RelayFacts> {
  const { host, port } = address;
  const signal = AbortSignal.timeout(connectWithinMs);
  const socket = connect({ host, port });
  try {
    await once(socket, "connect", { signal });
    return { address, fault: undefined };
  } catch (reason) {
    return { address, fault: signal.aborted ? "ETIMEDOUT" : (errnoOf(reason) ?? describe(reason)) };
  } finally {
    socket.on("error", () => {}); // It is being closed.
    socket.destroy();
  }
}

export async function lookAtQueue(home: string, path: string, writer: Account): Promise<QueueFacts> {
  const refusal = await refusalFor(writer, path, "write");
  const isSocket = await stat(path).then(
    (found) => found.isSocket(),
    () => true, // The refusal explains it.
  );
  const facts = { home, path, writer: writer.name, refusal, isSocket };
  return { ...facts, fault: refusal === undefined && isSocket ? connectFault(path) : undefined };
}

/** A datagram socket that is connected and closed again: analysisd does not notice. */
function connectFault(path: string): string | undefined {
  try {
    closeSync(loadNative().connectDatagram(path));
    return undefined;
  } catch (reason) {
    return errnoOf(reason) ?? describe(reason); // The native file may be missing, and with it the feedback.
  }
}
