import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads topics with Kafka's own consumer: the judge shares no code with the product. A request is a line on standard
 * input, brokers and topic with a blank between; the answer is one JSON line per record, all partitions up to the ends
 * that they have at the moment of the request, and then a line {"end":true} or {"error":"..."}.
 */
public final class ReadTopic {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final Base64.Encoder BASE64 = Base64.getEncoder();

  public static void main(String[] arguments) throws Exception {
    var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var answers = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 20);
    for (String request = requests.readLine(); request != null; request = requests.readLine()) {
      String[] parts = request.split(" ");
      try {
        read(parts[0], parts[1], answers);
        answers.write("{\"end\":true}\n");
      } catch (Exception reason) {
        answers.write("{\"error\":" + quoted(reason.toString()) + "}\n");
      }
      answers.flush();
    }
  }

  private static void read(String brokers, String topic, BufferedWriter answers) throws Exception {
    var settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("enable.auto.commit", "false");
    settings.put("allow.auto.create.topics", "false");
    settings.put("auto.offset.reset", "earliest");
    settings.put("check.crcs", "true");
    settings.put("max.partition.fetch.bytes", String.valueOf(32 << 20));
    settings.put("fetch.max.bytes", String.valueOf(64 << 20));
    settings.put("max.poll.records", "5000");
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<byte[], byte[]>(settings, bytes, bytes)) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream().map(of -> new TopicPartition(topic, of.partition())).toList();
      consumer.assign(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      consumer.seekToBeginning(partitions);
      long deadline = System.nanoTime() + DEADLINE.toNanos();
      while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("the end was not reached in " + DEADLINE);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          long end = ends.get(new TopicPartition(topic, record.partition()));
          if (record.offset() < end) answers.write(json(record));
        }
      }
    }
  }

  private static String json(ConsumerRecord<byte[], byte[]> record) {
    var line = new StringBuilder(record.serializedValueSize() * 4 / 3 + 256);
    line.append("{\"partition\":").append(record.partition());
    line.append(",\"offset\":").append(record.offset());
    line.append(",\"timestamp\":").append(record.timestamp());
    line.append(",\"key\":").append(base64(record.key()));
    line.append(",\"value\":").append(base64(record.value()));
    line.append(",\"headers\":[");
    String comma = "";
    for (Header header : record.headers()) {
      line.append(comma).append('[').append(quoted(header.key())).append(',').append(base64(header.value())).append(']');
      comma = ",";
    }
    return line.append("]}\n").toString();
  }

  private static String base64(byte[] bytes) {
    return bytes == null ? "null" : '"' + BASE64.encodeToString(bytes) + '"';
  }

  private static String quoted(String text) {
    var quoted = new StringBuilder("\"");
    for (char at : text.toCharArray()) {
      if (at < ' ' || at == '"' || at == '\\' || at > '~') quoted.append(String.format("\\u%04x", (int) at));
      else quoted.append(at);
    }
    return quoted.append('"').toString();
  }
}
