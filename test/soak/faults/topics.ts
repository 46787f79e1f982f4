import { permission } from "../ground.ts";
import type { Fault } from "../fault.ts";
import { partitionCount } from "../stage.ts";
import { topicConfig } from "./brokers.ts";
import { statusSays } from "./support.ts";

const smallBytes = 100_000;

/** What happens to the topic and the rights on it. */
export const topicFaults: readonly Fault[] = [
  {
    name: "topic-recreated",
    what: "the topic is deleted, and created again after seconds",
    // What Kafka has acknowledged and then deletes is gone: the referee must have seen it before.
    async run(stage) {
      const { kafka, follower } = stage.ground;
      await stage.settled();
      const rate = stage.load.perSecond;
      stage.load.perSecond = 0;
      await kafka.deleteTopic(stage.topic);
      stage.load.perSecond = rate;
      await stage.pass(stage.between(1500, 3000));
      stage.referee.forgetOrder();
      follower.follow(stage.topic, stage.referee.see);
      await kafka.createTopic(stage.topic, { partitions: partitionCount, config: topicConfig });
    },
  },
  {
    name: "message-size-lowered",
    what: "max.message.bytes falls below some records: those alone become dead letters",
    async run(stage) {
      const { kafka } = stage.ground;
      await kafka.alterTopic(stage.topic, { ...topicConfig, "max.message.bytes": String(smallBytes) });
      await stage.pass(300);
      for (let large = 0; large < 4; large++) {
        // On its way while the limit changes, it may still be taken.
        const { sequence } = stage.write(true, { denseBytes: 3 * smallBytes });
        stage.ledger.allowDead(sequence);
        stage.write(true);
      }
      stage.analysisd.flush();
      await stage.arrival(20_000);
      await stage.pass(1000);
      await kafka.alterTopic(stage.topic, topicConfig);
    },
  },
  {
    name: "writing-denied",
    what: "the right to write to the topic is taken away and given back; the status says so",
    async run(stage) {
      const denied = permission({ topic: stage.topic, denied: "write" });
      await stage.ground.kafka.allow([denied]);
      await stage.pass(2000);
      await statusSays(stage, /authori|permission|allowed|denied/i);
      await stage.ground.kafka.revoke([denied]);
      await stage.pass(200);
    },
  },
  {
    name: "records-too-large",
    what: "alerts of 1 MiB and more that do not compress: dead letters, and nothing behind them waits",
    async run(stage) {
      const { sequence } = stage.write(true, { denseBytes: 1_500_000 });
      stage.ledger.expectDead(sequence);
      await stage.arrival(5000);
      await statusSays(stage, /dead/i);
    },
  },
];
