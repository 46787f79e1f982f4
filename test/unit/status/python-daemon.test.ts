import assert from "node:assert/strict";
import { test } from "node:test";
import type { Facts, StatusSnapshot } from "../../../daemon/status/facts.ts";
import {
  pythonCode,
  pythonDetails,
  pythonHealth,
  pythonInfo,
  pythonLiveness,
  pythonQueue,
  pythonReadiness,
  pythonStatus,
  pythonSystem,
  pythonWorkers,
} from "../../../daemon/status/python-daemon.ts";
import { aForwarder, counts, countsOf, kafkaAtWork } from "./a-forwarder.ts";

const nowMs = Date.UTC(2026, 10, 21, 10);
const surroundings = { nowMs, totalMemoryBytes: 400 };
const timestamp = "2026-11-21T10:00:00.000Z";

function snapshot(some: Partial<Facts> = {}, trouble?: string): StatusSnapshot {
  const reasons =
    trouble === undefined
      ? []
      : [{ code: "kafka-unreachable" as const, subject: "x", text: trouble, remedy: "", since: timestamp }];
  return { ...aForwarder(some), health: { state: trouble === undefined ? "ok" : "degraded", reasons } };
}

const atWork = snapshot({
  sources: countsOf({
    tail: counts({ read: 10, ignored: 3, paired: 1, inFlight: 2, acknowledged: 3, deadLettered: 1 }),
    socket: counts({ read: 2, paired: 2 }),
  }),
  queue: { alerts: 2, bytes: 250, limitBytes: 1000 },
  process: { rssBytes: 100, openFiles: 9 },
});
const brokersAway = snapshot(
  {
    sink: {
      ...kafkaAtWork,
      isConnected: false,
      troubles: [{ code: "kafka-unreachable", subject: "b", text: "away", remedy: "", since: nowMs }],
    },
  },
  "away",
);

test("healthy and degraded are 200; 503 when the sink holds everything up, and while the forwarder is not ready", () => {
  const cases = [
    [snapshot(), "HEALTHY", 200],
    [snapshot({}, "a certificate expires"), "DEGRADED", 200],
    [brokersAway, "CRITICAL", 503],
    [snapshot({ isReady: false }, "starting"), "CRITICAL", 503],
  ] as const;
  for (const [given, status, code] of cases) {
    assert.equal(pythonStatus(given), status);
    assert.equal(pythonCode(pythonStatus(given)), code);
  }
});

test("a trouble of the sink that has not lasted yet changes nothing", () => {
  const { sink } = brokersAway;
  assert.equal(pythonStatus(snapshot({ sink })), "HEALTHY");
});

test("/health has status, time in seconds, and how many workers and services are well", () => {
  assert.deepEqual(pythonHealth(atWork, surroundings), {
    status: "HEALTHY",
    timestamp: nowMs / 1000,
    workers: { healthy: 1, total: 1 },
    services: { healthy: 1, total: 1 },
  });
  assert.deepEqual(pythonHealth(brokersAway, surroundings), {
    status: "CRITICAL",
    timestamp: nowMs / 1000,
    workers: { healthy: 0, total: 1 },
    services: { healthy: 0, total: 1 },
  });
});

test("/health/ready and /health/live have the Python daemon's keys", () => {
  assert.deepEqual(pythonReadiness(brokersAway, surroundings), {
    ready: false,
    timestamp,
    checks: { overall_health: "CRITICAL", workers_available: true, system_healthy: null },
  });
  assert.deepEqual(pythonLiveness(atWork, surroundings), { alive: true, timestamp, uptime: 100, health_score: null });
});

const system = {
  status: null,
  cpu_percent: null,
  memory_percent: 25,
  memory_usage_mb: 100 / 1024 / 1024,
  uptime_seconds: 100,
  process_id: 42,
  process_name: "wazuh-dfn",
  threads_count: null,
  open_files_count: 9,
  max_open_files: null,
};

test("/health/detailed has all parts; figures that have no meaning here are null, none is made up", () => {
  assert.deepEqual(pythonDetails(atWork, surroundings), {
    overall_status: "HEALTHY",
    health_score: null,
    timestamp,
    system,
    workers: {
      status: "HEALTHY",
      total: 1,
      active: 1,
      workers: {
        forwarder: {
          worker_name: "forwarder",
          status: "ACTIVE",
          alerts_processed: 10,
          processing_rate: null,
          avg_processing_time: null,
          health_score: null,
          last_alert_id: null,
        },
      },
    },
    queues: {
      status: "HEALTHY",
      total: 1,
      queues: {
        alert_queue: {
          queue_name: "alert_queue",
          status: "HEALTHY",
          current_size: 2,
          max_size: null,
          utilization_percentage: 25,
          total_processed: 10,
          processing_rate: null,
        },
      },
    },
    services: {
      status: "HEALTHY",
      total: 1,
      services: {
        kafka: {
          service_name: "kafka",
          service_type: "kafka",
          status: "HEALTHY",
          is_connected: true,
          connection_latency: null,
          total_operations: 4,
          successful_operations: 3,
          failed_operations: 1,
          error_rate: 25,
        },
      },
    },
  });
});

test("/status/queue is a list with a summary, judged by the Python daemon's bounds of 70 and 90 percent", () => {
  const queue = {
    name: "alert_queue",
    current_size: 2,
    max_size: null,
    utilization_percentage: 25,
    total_processed: 10,
    processing_rate: null,
    status: "HEALTHY",
    is_healthy: true,
  };
  const summary = {
    total_queues: 1,
    healthy_queues: 1,
    total_pending: 2,
    average_utilization: 25,
    status: "HEALTHY",
  };
  assert.deepEqual(pythonQueue(atWork), { queues: [queue], summary });
  for (const [bytes, status] of [
    [700, "HEALTHY"],
    [701, "DEGRADED"],
    [901, "CRITICAL"],
  ] as const) {
    const full = pythonQueue(snapshot({ queue: { alerts: 1, bytes, limitBytes: 1000 } }));
    assert.ok("queues" in full && Array.isArray(full.queues));
    assert.equal(full.queues[0].status, status);
  }
});

test("/status/workers and /status/system have the Python daemon's keys", () => {
  assert.deepEqual(pythonWorkers(snapshot({}, "a disk is full"), surroundings), {
    workers: {
      forwarder: {
        healthy: true,
        processing: false,
        performance: {
          alerts_processed: 0,
          rate: null,
          avg_processing: null,
          slow_alerts: null,
          extremely_slow_alerts: null,
        },
        last_error: "a disk is full",
        timestamp: nowMs / 1000,
      },
    },
    summary: { total: 1, healthy: 1, processing: 0 },
    timestamp: nowMs / 1000,
  });
  assert.deepEqual(pythonSystem(atWork, surroundings), {
    system: { ...system, resource_pressure: null },
    timestamp,
    overall_health: "HEALTHY",
    health_score: null,
  });
});

test("/api/info names every path under the Python daemon's names", () => {
  assert.deepEqual(Object.keys(pythonInfo), ["api_version", "server", "capabilities", "endpoints"]);
  assert.equal(pythonInfo.endpoints.detailed_health, "/health/detailed");
});
