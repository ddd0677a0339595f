// Runs Debezium's PostgreSQL connector, embedded, and writes what it would send to Kafka.
//   java -cp "LIBS/*" DebeziumOracle.java FILE.properties...
// Each file configures one engine; besides Debezium's own settings it holds oracle.output (the file to write) and oracle.last (an
// engine ends with the first record whose topic has this suffix), and may hold oracle.replace_null (the converter's setting).  All engines run at the same time in one process.
// A line of the output: {"topic","key","value","key_schema","value_schema","headers"}; key and value are the JSON of Connect's
// JsonConverter without schemas, as text, the schemas are what schemas.enable=true adds; null where there is none.
import com.fasterxml.jackson.databind.ObjectMapper;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;

public class DebeziumOracle {
  private final JsonConverter plain;
  private final JsonConverter withSchemas;
  private final ObjectMapper mapper = new ObjectMapper();
  private final PrintStream out;
  private final String last;
  final CountDownLatch done = new CountDownLatch(1);

  DebeziumOracle(Properties properties) throws IOException {
    out = new PrintStream(Files.newOutputStream(Path.of(properties.getProperty("oracle.output"))), false, StandardCharsets.UTF_8);
    last = properties.getProperty("oracle.last");
    boolean replaceNull = Boolean.parseBoolean(properties.getProperty("oracle.replace_null", "true"));
    plain = converter(false, replaceNull);
    withSchemas = converter(true, replaceNull);
  }

  private static JsonConverter converter(boolean schemas, boolean replaceNull) {
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", schemas, "replace.null.with.default", replaceNull), false);
    return converter;
  }

  private static String text(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  // The schema block, after checking that the rest is what the plain converter gives.
  private String schema(String topic, Schema schema, Object value, String payload) {
    if (value == null) return null;
    String both = text(withSchemas.fromConnectData(topic, schema, value));
    String end = ",\"payload\":" + payload + "}";
    if (!both.startsWith("{\"schema\":") || !both.endsWith(end)) throw new IllegalStateException("unexpected form: " + both);
    return both.substring("{\"schema\":".length(), both.length() - end.length());
  }

  private void write(SourceRecord record) throws IOException {
    String topic = record.topic();
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("topic", topic);
    line.put("key", text(plain.fromConnectData(topic, record.keySchema(), record.key())));
    line.put("value", text(plain.fromConnectData(topic, record.valueSchema(), record.value())));
    line.put("key_schema", schema(topic, record.keySchema(), record.key(), (String) line.get("key")));
    line.put("value_schema", schema(topic, record.valueSchema(), record.value(), (String) line.get("value")));
    List<List<String>> headers = new ArrayList<>();
    for (Header header : record.headers()) {
      if (header.key().startsWith("__debezium.context.")) continue;
      headers.add(List.of(header.key(), text(plain.fromConnectData(topic, header.schema(), header.value()))));
    }
    line.put("headers", headers);
    out.println(mapper.writeValueAsString(line));
  }

  void accept(List<RecordChangeEvent<SourceRecord>> records, DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
      throws InterruptedException {
    for (RecordChangeEvent<SourceRecord> event : records) {
      boolean finished = event.record().topic().endsWith(last);
      try {
        if (done.getCount() > 0 && !finished) write(event.record());
      } catch (IOException error) {
        throw new IllegalStateException(error);
      }
      committer.markProcessed(event);
      if (finished) {
        out.flush();
        done.countDown();
      }
    }
    committer.markBatchFinished();
  }

  public static void main(String[] arguments) throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    List<DebeziumOracle> oracles = new ArrayList<>();
    for (String file : arguments) {
      Properties properties = new Properties();
      try (Reader reader = Files.newBufferedReader(Path.of(file))) {
        properties.load(reader);
      }
      DebeziumOracle oracle = new DebeziumOracle(properties);
      oracles.add(oracle);
      threads.execute(DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
          .using(properties)
          .notifying(oracle::accept)
          .using((success, message, error) -> {
            if (success) return;
            System.err.println(message);
            if (error != null) error.printStackTrace();
            System.exit(1);
          })
          .build());
    }
    for (DebeziumOracle oracle : oracles) {
      if (!oracle.done.await(300, TimeUnit.SECONDS)) {
        System.err.println("the last record did not come");
        System.exit(1);
      }
      oracle.out.close();
    }
    Runtime.getRuntime().halt(0);  // the engines leave threads behind, and closing them takes seconds
  }
}
