import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListStreamsGroupOffsetsSpec;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;

/** A living group of each kind, and committed, aborted and open transactions, until it is closed. */
class Living implements AutoCloseable {
    private static final int RECORDS = 40;
    private static final int MEMBERS = 5;
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final Admin admin;
    private final Properties common;
    private final String mark;
    private final String topic;
    private final AtomicBoolean ending = new AtomicBoolean();
    private final CountDownLatch moving = new CountDownLatch(MEMBERS);
    private final List<Thread> threads = new ArrayList<>();
    private KafkaProducer<String, String> open;
    private KafkaStreams streams;

    Living(Admin admin, Properties common, String mark) {
        this.admin = admin;
        this.common = common;
        this.mark = mark;
        this.topic = mark + "-orders";
    }

    /** Starts them, and returns when all of them are idle with work left. */
    void begin() throws Exception {
        makeTopics();
        produce();
        open = transactions();
        streams = streams();
        consume("classic");
        consume("consumer");
        share();
        streams.start();
        if (!moving.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new TimeoutException("the members of the groups were not done within " + PATIENCE);
        }
        waitForStreams();
    }

    @Override
    public void close() throws Exception {
        ending.set(true);
        for (Thread one : threads) {
            one.join();
        }
        open.abortTransaction();
        open.close();
        streams.close();
        remove();
    }

    private void remove() throws Exception {
        Reading.wait(admin.deleteConsumerGroups(List.of(mark + "-classic", mark + "-consumer")).all());
        Reading.wait(admin.deleteShareGroups(List.of(mark + "-share")).all());
        Reading.wait(admin.deleteStreamsGroups(List.of(mark + "-streams")).all());
        Reading.wait(admin.deleteTopics(Reading.wait(admin.listTopics().names()).stream().filter(one -> one.startsWith(mark)).toList()).all());
    }

    private void makeTopics() throws Exception {
        List<NewTopic> made = List.of(
                new NewTopic(topic, 3, (short) 1).configs(Map.of("retention.ms", "7200000", "cleanup.policy", "compact,delete")),
                new NewTopic(mark + "-beside", 3, (short) 1),
                new NewTopic(mark + "-transactions", 2, (short) 1),
                new NewTopic(mark + "-totals", 1, (short) 1));
        Reading.wait(admin.createTopics(made).all());
        // Makes a share group begin with the first record; the default is the end.
        ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, mark + "-share");
        AlterConfigOp earliest = new AlterConfigOp(
                new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET);
        Reading.wait(admin.incrementalAlterConfigs(Map.of(group, List.of(earliest))).all());
    }

    private Properties with(String... settings) {
        Properties properties = new Properties();
        properties.putAll(common);
        for (int at = 0; at < settings.length; at += 2) {
            properties.put(settings[at], settings[at + 1]);
        }
        return properties;
    }

    private void produce() throws Exception {
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(with(), new StringSerializer(), new StringSerializer())) {
            for (int number = 0; number < RECORDS; number++) {
                producer.send(new ProducerRecord<>(topic, number % 3, "key-" + number, "order " + number));
                producer.send(new ProducerRecord<>(mark + "-beside", number % 3, "key-" + number, "beside " + number));
            }
        }
    }

    /** The producer of the transaction that stays open. */
    private KafkaProducer<String, String> transactions() throws Exception {
        String into = mark + "-transactions";
        KafkaProducer<String, String> open = null;
        for (String end : List.of("commit", "abort", "open")) {
            KafkaProducer<String, String> producer = new KafkaProducer<>(
                    with("transactional.id", mark + "-" + end, "transaction.timeout.ms", "600000"),
                    new StringSerializer(), new StringSerializer());
            producer.initTransactions();
            producer.beginTransaction();
            for (int number = 0; number < 5; number++) {
                producer.send(new ProducerRecord<>(into, number % 2, end, end + " " + number));
            }
            producer.flush();
            switch (end) {
                case "commit" -> producer.commitTransaction();
                case "abort" -> producer.abortTransaction();
                default -> open = producer;
            }
            if (producer != open) {
                producer.close();
            }
        }
        return open;
    }

    /** Two members that commit less than exists, and nothing for partition 2. */
    private void consume(String kind) {
        Set<Integer> committed = new HashSet<>();
        for (int member = 0; member < 2; member++) {
            Properties properties = with(
                    "group.id", mark + "-" + kind, "group.protocol", kind, "client.id", kind + "-" + member,
                    "group.instance.id", kind + "-instance-" + member, "enable.auto.commit", "false");
            run(() -> {
                KafkaConsumer<String, String> consumer =
                        new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
                consumer.subscribe(List.of(topic));
                boolean moves = true;
                while (!ending.get()) {
                    consumer.poll(Duration.ofMillis(200));
                    Set<TopicPartition> assigned = consumer.assignment();
                    synchronized (committed) {
                        for (TopicPartition one : assigned) {
                            if (one.partition() < 2 && committed.add(one.partition())) {
                                consumer.commitSync(Map.of(one, new OffsetAndMetadata(3 + one.partition())));
                            }
                        }
                        if (moves && committed.size() == 2 && (assigned.size() == 1 || assigned.size() == 2)) {
                            moves = false;
                            moving.countDown();
                        }
                    }
                }
                // Closing alone would keep a member with an instance id in its place, and so the group.
                consumer.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
            });
        }
    }

    /** One member that accepts ten records, releases the others it received, and fetches no more. */
    private void share() {
        Properties properties = with("group.id", mark + "-share", "client.id", "sharing",
                "share.acknowledgement.mode", "explicit", "max.poll.records", "5");
        run(() -> {
            try (KafkaShareConsumer<String, String> consumer =
                    new KafkaShareConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
                consumer.subscribe(List.of(topic));
                int accepted = 0;
                while (!ending.get() && accepted < 10) {
                    for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) {
                        consumer.acknowledge(one, accepted++ < 10 ? AcknowledgeType.ACCEPT : AcknowledgeType.RELEASE);
                    }
                    consumer.commitSync();
                }
                moving.countDown();
                while (!ending.get()) {
                    Thread.sleep(100);
                }
            }
        });
    }

    private interface Work {
        void run() throws Exception;
    }

    private void run(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable error) {
                error.printStackTrace();
                System.exit(1);
            }
        });
        thread.start();
        threads.add(thread);
    }

    /**
     * Two subtopologies, of which the first reads two topics. They have as many partitions: of a streams group, the member
     * with a partition that a topic lacks waits for it for ever (Kafka 4.3).
     */
    private KafkaStreams streams() {
        StreamsBuilder builder = new StreamsBuilder();
        Consumed<String, String> strings = Consumed.with(Serdes.String(), Serdes.String());
        builder.stream(List.of(topic, mark + "-beside"), strings)
                .repartition(Repartitioned.with(Serdes.String(), Serdes.String()).withName("again").withNumberOfPartitions(2))
                .to(mark + "-totals", Produced.with(Serdes.String(), Serdes.String()));
        Topology topology = builder.build();
        return new KafkaStreams(topology, with(
                "application.id", mark + "-streams", "group.protocol", "streams", "client.id", "streaming",
                "state.dir", System.getProperty("java.io.tmpdir"), "commit.interval.ms", "500",
                "num.stream.threads", "2", "auto.offset.reset", "earliest",
                // Nothing changes: what was read from the intermediate topic stays.
                "repartition.purge.interval.ms", "86400000"));
    }

    /** Until it has committed everything it can read: both topics, and what it writes to the intermediate one. */
    private void waitForStreams() throws Exception {
        String group = mark + "-streams";
        long end = System.nanoTime() + PATIENCE.toNanos();
        long done = 0;
        while (done < 4 * RECORDS) {
            if (System.nanoTime() > end) {
                throw new TimeoutException("of " + 4 * RECORDS + " records, streams had only committed " + done + " within " + PATIENCE);
            }
            Thread.sleep(200);
            try {
                done = Reading.wait(admin.listStreamsGroupOffsets(Map.of(group, new ListStreamsGroupOffsetsSpec())).all()).get(group)
                        .values().stream().mapToLong(one -> one == null ? 0 : one.offset()).sum();
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof GroupIdNotFoundException)) {
                    throw error;
                }
            }
        }
    }
}
