import { join } from "node:path";
import { closeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { loadNative } from "../../os/native.ts";
import { type Account, type Refusal, refusalFor } from "../accounts.ts";
import { failed, type Judgement, ok, unseen, warning } from "../judgement.ts";
import { describe, errnoOf } from "../../errors.ts";

export interface QueueFacts {
  readonly home: string;
  readonly path: string;
  readonly writer: string;
  readonly refusal: Refusal | undefined;
  /** Whether there is a socket at the path. */
  readonly isSocket: boolean;
  /** The name of the error of connecting (nothing is sent), undefined where that works. */
  readonly fault: string | undefined;
}

/** Whether the forwarder can tell Wazuh what became of alerts. Alerts go on without it. */
export function judgeQueue({ home, path, writer, refusal, isSocket, fault }: QueueFacts): Judgement[] {
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
    return [warning(`nobody listens on ${path}: analysisd is away`, `${home}/bin/wazuh-control start`)];
  }
  if (fault !== undefined) return [warning(`${path}: connecting fails with ${fault}`, `ls -l ${path}`)];
  return [ok(`analysisd listens on ${path}, and ${writer} may write to it`)];
}

export async function lookAtQueue(home: string, writer: Account): Promise<QueueFacts> {
  const path = join(home, "queue/sockets/queue");
  const refusal = await refusalFor(writer, path, "write");
  const isSocket = await stat(path).then(
    (found) => found.isSocket(),
    () => true, // The refusal tells.
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
