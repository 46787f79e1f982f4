/** The paths of the Python daemon. */
import { totalmem } from "node:os";
import type { StatusSnapshot } from "./facts.ts";
import {
  pythonCode,
  pythonDetails,
  pythonHealth,
  pythonInfo,
  pythonLiveness,
  pythonQueue,
  pythonReadiness,
  pythonStatus,
  type PythonSurroundings,
  pythonSystem,
  pythonWorkers,
} from "./python-daemon.ts";
import { type AnswerRoute, jsonAnswer } from "./route.ts";

type Render = (snapshot: StatusSnapshot, surroundings: PythonSurroundings) => object;

function pythonRoute(path: string, summary: string, render: Render, isVerdict = false): AnswerRoute {
  const described = { description: "As the Python daemon answers.", type: "application/json" };
  const withVerdict = { 200: described, 503: { description: "Nothing gets out.", type: "application/json" } };
  return {
    kind: "answer",
    path,
    needs: "token",
    summary: `${summary} (as of the Python daemon).`,
    responses: isVerdict ? withVerdict : { 200: described },
    answer: (_asked, { shared }) =>
      shared(path, (snapshot) => {
        const body = render(snapshot, { nowMs: Date.now(), totalMemoryBytes: totalmem() });
        return jsonAnswer(isVerdict ? pythonCode(pythonStatus(snapshot)) : 200, body);
      }),
  };
}

export const pythonRoutes: readonly AnswerRoute[] = [
  pythonRoute("/health", "Whether alerts get out", pythonHealth, true),
  pythonRoute("/health/ready", "Whether it is ready", pythonReadiness, true),
  pythonRoute("/health/live", "Whether the process is alive", pythonLiveness),
  pythonRoute("/health/detailed", "Health in detail", pythonDetails, true),
  pythonRoute("/status/queue", "What is between read and outcome", pythonQueue),
  pythonRoute("/status/workers", "The forwarder as one worker", pythonWorkers),
  pythonRoute("/status/system", "The process and the machine", pythonSystem),
  pythonRoute("/api/info", "Which paths there are", () => pythonInfo),
];
