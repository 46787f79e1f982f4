import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Follows one topic after the other with Kafka's own consumer, all partitions from their beginnings, one JSON line per
 * record. A line on standard input, brokers and topic with a blank between, begins with a topic (or with the same one
 * again); the answer to it is {"begins":"topic"} before its first record. Brokers may go and come. Ends with its input.
 */
public final class FollowTopic {
  private static final Base64.Encoder BASE64 = Base64.getEncoder();
  private static final BlockingQueue<String> REQUESTS = new LinkedBlockingQueue<>();

  public static void main(String[] arguments) throws Exception {
    var input = new Thread(FollowTopic::readRequests);
    input.setDaemon(true);
    input.start();
    var answers = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 20);
    for (String request = REQUESTS.take(); !request.isEmpty(); request = REQUESTS.take()) {
      String[] parts = request.split(" ");
      answers.write("{\"begins\":\"" + parts[1] + "\"}\n");
      answers.flush();
      follow(parts[0], parts[1], answers);
    }
  }

  private static void readRequests() {
    var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      for (String line = requests.readLine(); line != null; line = requests.readLine()) REQUESTS.add(line);
    } catch (java.io.IOException reason) {
      System.err.println(reason);
    }
    REQUESTS.add("");
  }

  private static void follow(String brokers, String topic, BufferedWriter answers) throws Exception {
    var settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("enable.auto.commit", "false");
    settings.put("allow.auto.create.topics", "false");
    settings.put("auto.offset.reset", "earliest");
    settings.put("metadata.max.age.ms", "1000");
    settings.put("reconnect.backoff.ms", "50");
    settings.put("reconnect.backoff.max.ms", "200");
    settings.put("retry.backoff.max.ms", "200");
    settings.put("request.timeout.ms", "4000");
    settings.put("default.api.timeout.ms", "5000");
    settings.put("fetch.max.wait.ms", "100");
    settings.put("max.partition.fetch.bytes", String.valueOf(4 << 20));
    settings.put("max.poll.records", "2000");
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<byte[], byte[]>(settings, bytes, bytes)) {
      List<TopicPartition> partitions = new ArrayList<>();
      while (REQUESTS.isEmpty()) {
        try {
          if (partitions.isEmpty()) {
            for (var of : consumer.partitionsFor(topic)) partitions.add(new TopicPartition(topic, of.partition()));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            continue;
          }
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) answers.write(json(record));
        } catch (org.apache.kafka.common.KafkaException reason) {
          Thread.sleep(50); // no broker, or no such topic for the moment
        }
        answers.flush();
      }
      answers.flush();
    }
  }

  private static String json(ConsumerRecord<byte[], byte[]> record) {
    var line = new StringBuilder(record.serializedValueSize() * 4 / 3 + 256);
    line.append("{\"partition\":").append(record.partition());
    line.append(",\"offset\":").append(record.offset());
    line.append(",\"appendedMs\":").append(record.timestamp());
    line.append(",\"key\":").append(base64(record.key()));
    line.append(",\"value\":").append(base64(record.value()));
    line.append(",\"headers\":{");
    String comma = "";
    for (Header header : record.headers()) {
      line.append(comma).append('"').append(header.key()).append("\":").append(base64(header.value()));
      comma = ",";
    }
    return line.append("}}\n").toString();
  }

  private static String base64(byte[] bytes) {
    return bytes == null ? "null" : '"' + BASE64.encodeToString(bytes) + '"';
  }
}
