import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Digests topics of one partition with Kafka's own consumer, for topics too large to be handed on record by record. A
 * request is a line on standard input: brokers, topic, and "all", "each", "last" or an offset, with blanks between.
 *
 * <p>"all" is answered by {"records":N,"values":"...","all":"..."}: "values" is the SHA-256 of all values, a newline
 * after each; "all" that of keys, headers and values, each with its length in front. With "each" there is a line for
 * every record before that, with the SHA-256 of its key, headers and value. An offset, or "last", is answered by
 * {"record":{"key":"...","headers":[["name","..."]],"value":"..."}}, in base64 or null, or by {"record":null} where
 * there is none. Whatever fails: {"error":"..."}.
 */
public final class DigestTopic {
  private static final Duration SILENCE = Duration.ofSeconds(60);

  public static void main(String[] arguments) throws Exception {
    var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var answers = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 20);
    for (String request = requests.readLine(); request != null; request = requests.readLine()) {
      String[] parts = request.split(" ");
      try {
        try (var consumer = consumer(parts[0])) {
          if (consumer.partitionsFor(parts[1]).size() != 1) throw new IllegalArgumentException("not one partition");
          var partition = new TopicPartition(parts[1], 0);
          consumer.assign(List.of(partition));
          long end = consumer.endOffsets(List.of(partition)).get(partition);
          answers.write(
              switch (parts[2]) {
                case "all" -> digest(consumer, partition, end, null);
                case "each" -> digest(consumer, partition, end, answers);
                case "last" -> record(consumer, partition, end, end - 1);
                default -> record(consumer, partition, end, Long.parseLong(parts[2]));
              });
        }
      } catch (Exception reason) {
        String text = reason.toString().replaceAll("[^ !#-\\[\\]-~]", "?");
        answers.write("{\"error\":\"" + text + "\"}\n");
      }
      answers.flush();
    }
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String brokers) {
    var settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("enable.auto.commit", "false");
    settings.put("allow.auto.create.topics", "false");
    settings.put("auto.offset.reset", "none");
    settings.put("check.crcs", "true");
    settings.put("max.partition.fetch.bytes", String.valueOf(8 << 20));
    settings.put("max.poll.records", "5000");
    var bytes = new ByteArrayDeserializer();
    return new KafkaConsumer<>(settings, bytes, bytes);
  }

  private static String record(
      KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long end, long offset) throws IOException {
    var found = new StringBuilder();
    if (offset >= 0 && offset < end) {
      consumer.seek(partition, offset);
      read(consumer, partition, offset + 1, record -> found.append(json(record)));
    }
    return "{\"record\":" + (found.isEmpty() ? "null" : found) + "}\n";
  }

  private static String json(ConsumerRecord<byte[], byte[]> record) {
    var headers = new ArrayList<String>();
    for (Header header : record.headers()) {
      // A name that JSON would want escaped is none that the forwarder gives.
      headers.add("[\"" + header.key().replaceAll("[^a-z-]", "?") + "\"," + base64(header.value()) + "]");
    }
    return String.format(
        "{\"key\":%s,\"headers\":[%s],\"value\":%s}",
        base64(record.key()), String.join(",", headers), base64(record.value()));
  }

  private static String base64(byte[] bytes) {
    return bytes == null ? "null" : '"' + Base64.getEncoder().encodeToString(bytes) + '"';
  }

  private static String digest(
      KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long end, BufferedWriter each)
      throws Exception {
    var values = MessageDigest.getInstance("SHA-256");
    var all = MessageDigest.getInstance("SHA-256");
    var one = MessageDigest.getInstance("SHA-256");
    long[] records = {0};
    consumer.seekToBeginning(List.of(partition));
    read(
        consumer,
        partition,
        end,
        record -> {
          records[0] += 1;
          part(all, record.key());
          headers(all, record);
          part(all, record.value());
          if (record.value() != null) values.update(record.value());
          values.update((byte) '\n');
          if (each != null) each.write(line(one, record));
        });
    return String.format("{\"records\":%d,\"values\":\"%s\",\"all\":\"%s\"}\n", records[0], hex(values), hex(all));
  }

  private interface Taker {
    void take(ConsumerRecord<byte[], byte[]> record) throws IOException;
  }

  private static void read(
      KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long end, Taker taker) throws IOException {
    long deadline = System.nanoTime() + SILENCE.toNanos();
    while (consumer.position(partition) < end) {
      if (System.nanoTime() > deadline) throw new IllegalStateException("no record came for " + SILENCE);
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
        if (record.offset() >= end) continue;
        deadline = System.nanoTime() + SILENCE.toNanos();
        taker.take(record);
      }
    }
  }

  private static String line(MessageDigest one, ConsumerRecord<byte[], byte[]> record) {
    part(one, record.key());
    String key = hex(one);
    headers(one, record);
    String headers = hex(one);
    part(one, record.value());
    return String.format(
        "{\"offset\":%d,\"key\":\"%s\",\"headers\":\"%s\",\"value\":\"%s\"}\n", record.offset(), key, headers, hex(one));
  }

  private static void headers(MessageDigest digest, ConsumerRecord<byte[], byte[]> record) {
    for (Header header : record.headers()) {
      part(digest, header.key().getBytes(StandardCharsets.UTF_8));
      part(digest, header.value());
    }
    part(digest, null);
  }

  /** The length in front tells where it ends, and null from empty. */
  private static void part(MessageDigest digest, byte[] bytes) {
    digest.update(ByteBuffer.allocate(4).putInt(bytes == null ? -1 : bytes.length).array());
    if (bytes != null) digest.update(bytes);
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }
}
