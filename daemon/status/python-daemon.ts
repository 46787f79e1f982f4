/**
 * The status in the words of the Python daemon (version 0.23.1), for probes and dashboards that were made for it. Its
 * keys are all here; docs/status.md says what each means now. Where a figure has lost its meaning it is null.
 */
import { sinkDefinition } from "../sink-kinds/registry.ts";
import type { StatusSnapshot } from "./facts.ts";

type PythonStatus = "HEALTHY" | "DEGRADED" | "CRITICAL";

/** The machine and the moment of an answer. */
export interface PythonSurroundings {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Memory of the machine. */
  readonly totalMemoryBytes: number;
}

/** Its bounds for how full a queue may be, in percent. */
const warningPercent = 70;
const criticalPercent = 90;

/** Nothing gets out: the forwarder is not ready, or the sink is the reason for being degraded. */
export function pythonStatus({ isReady, health, sink }: StatusSnapshot): PythonStatus {
  if (!isReady) return "CRITICAL";
  if (health.state === "ok") return "HEALTHY";
  return sinkDefinition(sink).isHeldUp(sink) ? "CRITICAL" : "DEGRADED";
}

/** The HTTP status of `/health`, `/health/detailed` and `/health/ready`. */
export function pythonCode(status: PythonStatus): 200 | 503 {
  return status === "CRITICAL" ? 503 : 200;
}

/** `/health` */
export function pythonHealth(snapshot: StatusSnapshot, { nowMs }: PythonSurroundings): object {
  const status = pythonStatus(snapshot);
  return {
    status,
    timestamp: nowMs / 1000,
    workers: { healthy: Number(status !== "CRITICAL"), total: 1 },
    services: { healthy: Number(isSinkWell(snapshot)), total: 1 },
  };
}

/** `/health/ready` */
export function pythonReadiness(snapshot: StatusSnapshot, surroundings: PythonSurroundings): object {
  const checks = {
    overall_health: pythonStatus(snapshot),
    workers_available: snapshot.isReady,
    system_healthy: null,
  };
  return { ready: checks.overall_health !== "CRITICAL", ...isoTime(surroundings), checks };
}

/** `/health/live` */
export function pythonLiveness({ uptimeSeconds }: StatusSnapshot, surroundings: PythonSurroundings): object {
  return { alive: true, ...isoTime(surroundings), uptime: uptimeSeconds, health_score: null };
}

/** `/health/detailed` */
export function pythonDetails(snapshot: StatusSnapshot, surroundings: PythonSurroundings): object {
  const overall = pythonStatus(snapshot);
  const { name, max_size, total_processed, is_healthy, ...queue } = queueOf(snapshot);
  return {
    overall_status: overall,
    health_score: null,
    ...isoTime(surroundings),
    system: systemOf(snapshot, surroundings),
    workers: {
      status: overall === "CRITICAL" ? "DEGRADED" : "HEALTHY",
      total: 1,
      active: Number(overall !== "CRITICAL"),
      workers: {
        [workerName]: {
          worker_name: workerName,
          status: overall === "CRITICAL" ? "STALLED" : snapshot.queue.alerts > 0 ? "ACTIVE" : "IDLE",
          alerts_processed: total_processed,
          processing_rate: null,
          avg_processing_time: null,
          health_score: null,
          last_alert_id: null,
        },
      },
    },
    queues: {
      status: is_healthy ? "HEALTHY" : "DEGRADED",
      total: 1,
      queues: { [name]: { queue_name: name, ...queue, max_size, total_processed } },
    },
    services: servicesOf(snapshot),
  };
}

/** `/status/queue` */
export function pythonQueue(snapshot: StatusSnapshot): object {
  const queue = queueOf(snapshot);
  return {
    queues: [queue],
    summary: {
      total_queues: 1,
      healthy_queues: Number(queue.is_healthy),
      total_pending: queue.current_size,
      average_utilization: queue.utilization_percentage,
      status: queue.is_healthy ? "HEALTHY" : "DEGRADED",
    },
  };
}

/** `/status/workers` */
export function pythonWorkers(snapshot: StatusSnapshot, { nowMs }: PythonSurroundings): object {
  const healthy = pythonStatus(snapshot) !== "CRITICAL";
  const processing = snapshot.queue.alerts > 0;
  const timestamp = nowMs / 1000;
  return {
    workers: {
      [workerName]: {
        healthy,
        processing,
        performance: {
          alerts_processed: processedOf(snapshot),
          rate: null,
          avg_processing: null,
          slow_alerts: null,
          extremely_slow_alerts: null,
        },
        last_error: snapshot.health.reasons[0]?.text ?? null,
        timestamp,
      },
    },
    summary: { total: 1, healthy: Number(healthy), processing: Number(processing) },
    timestamp,
  };
}

/** `/status/system` */
export function pythonSystem(snapshot: StatusSnapshot, surroundings: PythonSurroundings): object {
  return {
    system: { ...systemOf(snapshot, surroundings), resource_pressure: null },
    ...isoTime(surroundings),
    overall_health: pythonStatus(snapshot),
    health_score: null,
  };
}

/** `/api/info` */
export const pythonInfo = {
  api_version: "2.1",
  server: "Wazuh DFN Health API",
  capabilities: [
    "health_checks",
    "detailed_metrics",
    "prometheus_metrics",
    "worker_status",
    "queue_status",
    "system_status",
  ],
  endpoints: {
    health: "/health",
    detailed_health: "/health/detailed",
    readiness: "/health/ready",
    liveness: "/health/live",
    metrics: "/metrics",
    worker_status: "/status/workers",
    queue_status: "/status/queue",
    system_status: "/status/system",
    api_info: "/api/info",
  },
} as const;

/** The one worker that there is. */
const workerName = "forwarder";

function isoTime({ nowMs }: PythonSurroundings): { readonly timestamp: string } {
  return { timestamp: new Date(nowMs).toISOString() };
}

/** Alerts, of all sources, that are not in flight any more. */
function processedOf({ sources }: StatusSnapshot): number {
  return Object.values(sources).reduce((sum, { read, inFlight }) => sum + read - inFlight, 0);
}

function isSinkWell({ sink }: StatusSnapshot): boolean {
  return !sinkDefinition(sink).isHeldUp(sink);
}

function queueOf(snapshot: StatusSnapshot) {
  const { alerts, bytes, limitBytes } = snapshot.queue;
  const percent = (bytes / limitBytes) * 100;
  const status: PythonStatus =
    percent > criticalPercent ? "CRITICAL" : percent > warningPercent ? "DEGRADED" : "HEALTHY";
  return {
    name: "alert_queue",
    current_size: alerts,
    max_size: null,
    utilization_percentage: percent,
    total_processed: processedOf(snapshot),
    processing_rate: null,
    status,
    is_healthy: status === "HEALTHY",
  };
}

function systemOf({ process, uptimeSeconds, pid }: StatusSnapshot, { totalMemoryBytes }: PythonSurroundings): object {
  return {
    status: null,
    cpu_percent: null,
    memory_percent: (process.rssBytes / totalMemoryBytes) * 100,
    memory_usage_mb: process.rssBytes / (1024 * 1024),
    uptime_seconds: uptimeSeconds,
    process_id: pid,
    process_name: "wazuh-dfn",
    threads_count: null,
    open_files_count: process.openFiles ?? null,
    max_open_files: null,
  };
}

function servicesOf(snapshot: StatusSnapshot): object {
  const { sink, sources } = snapshot;
  const all = Object.values(sources);
  const successful = all.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  const failed = all.reduce((sum, { deadLettered }) => sum + deadLettered, 0);
  const total = successful + failed;
  const isWell = isSinkWell(snapshot);
  return {
    status: isWell ? "HEALTHY" : "DEGRADED",
    total: 1,
    services: {
      [sink.kind]: {
        service_name: sink.kind,
        service_type: sink.kind,
        status: isWell ? "HEALTHY" : "CRITICAL",
        is_connected: "isConnected" in sink ? sink.isConnected : isWell,
        connection_latency: null,
        total_operations: total,
        successful_operations: successful,
        failed_operations: failed,
        error_rate: total === 0 ? null : (failed / total) * 100,
      },
    },
  };
}
