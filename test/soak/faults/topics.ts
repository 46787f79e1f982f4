import { permission } from "../test-bed.ts";
import type { Fault } from "../fault.ts";
import { partitionCount } from "../environment.ts";
import { topicConfig } from "./brokers.ts";
import { statusSays } from "./support.ts";

const smallBytes = 100_000;

/** What happens to the topic and the permissions on it. */
export const topicFaults: readonly Fault[] = [
  {
    name: "topic-recreated",
    what: "the topic is deleted, and created again after seconds",
    // What Kafka has acknowledged and then deletes is gone: the referee must have seen it before.
    async run(environment) {
      const { kafka, follower } = environment.testBed;
      await environment.settled();
      const rate = environment.load.perSecond;
      environment.load.perSecond = 0;
      await kafka.deleteTopic(environment.topic);
      environment.manifestReferee.takesAll();
      environment.load.perSecond = rate;
      await environment.pass(environment.between(1500, 3000));
      environment.referee.forgetOrder();
      follower.follow(environment.topic, environment.see);
      await kafka.createTopic(environment.topic, { partitions: partitionCount, config: topicConfig });
    },
  },
  {
    name: "message-size-lowered",
    keepsProcess: true,
    what: "max.message.bytes falls below some records: those alone become dead letters",
    async run(environment) {
      const { kafka } = environment.testBed;
      await kafka.alterTopic(environment.topic, { ...topicConfig, "max.message.bytes": String(smallBytes) });
      await environment.pass(300);
      for (let large = 0; large < 4; large++) {
        // If it is in flight while the limit changes, it may still be accepted.
        const { sequence } = environment.write(true, { denseBytes: 3 * smallBytes });
        environment.ledger.allowDead(sequence);
        environment.write(true);
      }
      environment.analysisd.flush();
      await environment.arrival(20_000);
      await environment.pass(1000);
      await kafka.alterTopic(environment.topic, topicConfig);
    },
  },
  {
    name: "writing-denied",
    keepsProcess: true,
    what: "the permission to write to the topic is revoked and granted again; the status says so",
    async run(environment) {
      const denied = permission({ topic: environment.topic, denied: "write" });
      await environment.testBed.kafka.allow([denied]);
      await environment.pass(2000);
      await statusSays(environment, /authori|permission|allowed|denied/i);
      await environment.testBed.kafka.revoke([denied]);
      await environment.pass(200);
    },
  },
  {
    name: "records-too-large",
    keepsProcess: true,
    what: "alerts of 1 MiB and more that do not compress: dead letters, and nothing behind them waits",
    async run(environment) {
      const { sequence } = environment.write(true, { denseBytes: 1_500_000 });
      environment.ledger.expectDead(sequence);
      await environment.arrival(5000);
      await statusSays(environment, /dead/i);
    },
  },
];
