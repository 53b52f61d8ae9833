import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;

/** Many topics of many kinds, a group on every twentieth of them, and open transactions, until it is closed. */
class Crowd implements AutoCloseable {
    private static final int AT_ONCE = 200; // a controller writes at most 10,000 records for one request
    private static final int RECORDS = 4;
    private static final int A_GROUP_EVERY = 20;

    /** The kinds of topics, in turn. `records`: each partition has some. */
    private enum Kind {
        EMPTY(1, false, Map.of()),
        PLAIN(3, true, Map.of()),
        COMPACTED(2, true, Map.of("cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.01")),
        CONFIGURED(1, true, Map.of("retention.ms", "7200000", "max.message.bytes", "2000000", "compression.type", "lz4")),
        CUT(2, true, Map.of("cleanup.policy", "delete")),
        TRANSACTIONAL(1, false, Map.of()),
        OPEN(2, false, Map.of()),
        WIDE(5, true, Map.of("message.timestamp.type", "LogAppendTime")),
        BOTH(1, true, Map.of("cleanup.policy", "compact,delete", "segment.bytes", "1048576", "retention.bytes", "-1")),
        KEPT(2, false, Map.of("retention.ms", "-1"));

        final int partitions;
        final boolean records;
        final Map<String, String> configs;

        Kind(int partitions, boolean records, Map<String, String> configs) {
            this.partitions = partitions;
            this.records = records;
            this.configs = configs;
        }
    }

    private final Admin admin;
    private final Properties common;
    private final String mark;
    private final Map<String, Kind> topics = new TreeMap<>();
    private final List<String> groups = new ArrayList<>();
    private KafkaProducer<String, String> open;

    Crowd(Admin admin, Properties common, String mark, int number) {
        this.admin = admin;
        this.common = common;
        this.mark = mark;
        for (int one = 0; one < number; one++) {
            Kind kind = Kind.values()[one % Kind.values().length];
            topics.put(String.format("%s-%05d-%s", mark, one, kind.toString().toLowerCase()), kind);
        }
    }

    void make() throws Exception {
        List<NewTopic> made = new ArrayList<>();
        topics.forEach((name, kind) -> made.add(new NewTopic(name, kind.partitions, (short) 1).configs(kind.configs)));
        for (int start = 0; start < made.size(); start += AT_ONCE) {
            Reading.wait(admin.createTopics(made.subList(start, Math.min(start + AT_ONCE, made.size()))).all());
        }
        try (KafkaProducer<String, String> producer = producer(null)) {
            topics.forEach((name, kind) -> {
                if (kind.records) {
                    send(producer, name, kind);
                }
            });
        }
        cut();
        try (KafkaProducer<String, String> producer = producer("-committed")) {
            begin(producer, Kind.TRANSACTIONAL);
            producer.commitTransaction();
        }
        open = producer("-open");
        begin(open, Kind.OPEN);
        commit();
    }

    @Override
    public void close() throws Exception {
        if (open != null) {
            open.abortTransaction();
            open.close();
        }
        Reading.wait(admin.deleteConsumerGroups(groups).all());
        List<String> names = new ArrayList<>(topics.keySet());
        for (int start = 0; start < names.size(); start += AT_ONCE) {
            Reading.wait(admin.deleteTopics(names.subList(start, Math.min(start + AT_ONCE, names.size()))).all());
        }
    }

    private KafkaProducer<String, String> producer(String transactional) {
        Properties properties = new Properties();
        properties.putAll(common);
        if (transactional != null) {
            properties.put("transactional.id", mark + transactional);
            properties.put("transaction.timeout.ms", "900000");
        }
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    private static void send(KafkaProducer<String, String> producer, String topic, Kind kind) {
        for (int partition = 0; partition < kind.partitions; partition++) {
            for (int number = 0; number < RECORDS; number++) {
                producer.send(new ProducerRecord<>(topic, partition, "key-" + number % 2, topic + " " + number));
            }
        }
    }

    private void begin(KafkaProducer<String, String> producer, Kind kind) {
        producer.initTransactions();
        producer.beginTransaction();
        topics.forEach((name, own) -> {
            if (own == kind) {
                send(producer, name, kind);
            }
        });
        producer.flush();
    }

    /** Deletes the first record of partitions. */
    private void cut() throws Exception {
        Map<TopicPartition, RecordsToDelete> cuts = new HashMap<>();
        topics.forEach((name, kind) -> {
            if (kind == Kind.CUT) {
                cuts.put(new TopicPartition(name, 0), RecordsToDelete.beforeOffset(1));
                cuts.put(new TopicPartition(name, 1), RecordsToDelete.beforeOffset(RECORDS));
            }
        });
        Reading.wait(admin.deleteRecords(cuts).all());
    }

    private void commit() throws Exception {
        int at = 0;
        for (Map.Entry<String, Kind> topic : topics.entrySet()) {
            // Next to every twentieth, so that all kinds have some.
            if ((at / Kind.values().length + at++) % A_GROUP_EVERY == 0) {
                String group = mark + "-of-" + at;
                groups.add(group);
                Reading.wait(admin.alterConsumerGroupOffsets(group, Map.of(
                        new TopicPartition(topic.getKey(), 0), new OffsetAndMetadata(topic.getValue().records ? 2 : 0))).all());
            }
        }
    }
}
