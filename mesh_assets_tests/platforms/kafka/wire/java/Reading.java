import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ClassicGroupDescription;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListStreamsGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ShareGroupDescription;
import org.apache.kafka.clients.admin.ShareMemberDescription;
import org.apache.kafka.clients.admin.SharePartitionOffsetInfo;
import org.apache.kafka.clients.admin.StreamsGroupDescription;
import org.apache.kafka.clients.admin.StreamsGroupMemberAssignment;
import org.apache.kafka.clients.admin.StreamsGroupMemberDescription;
import org.apache.kafka.clients.admin.StreamsGroupSubtopologyDescription;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** What Kafka's own AdminClient reads from a cluster. */
class Reading {
    private final Admin admin;

    Reading(Admin admin) {
        this.admin = admin;
    }

    /** `everything`: also transactions, brokers and access. */
    Map<String, Object> told(boolean everything) throws Exception {
        Map<String, Object> found = new TreeMap<>();
        found.put("cluster_id", wait(admin.describeCluster().clusterId()));
        found.put("brokers", brokers());
        Collection<TopicDescription> topics = topics();
        found.put("topics", said(topics));
        found.put("configs", configs(topics));
        found.put("earliest", offsets(topics, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED));
        found.put("latest", offsets(topics, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED));
        found.put("groups", groups());
        found.put("kinds", new Kinds(admin).told());
        found.put("storage", new Storage(admin, topics).told());
        if (!everything) {
            return found;
        }
        found.put("transactions", new Transactions(admin, topics).told());
        found.put("stable", offsets(topics, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED));
        found.put("access", Access.told(admin));
        return found;
    }

    static <T> T wait(KafkaFuture<T> future) throws Exception {
        return future.get(60, TimeUnit.SECONDS);
    }

    /** The result, or "unsupported" for brokers that are too old. */
    static Object supported(Callable<Object> question) throws Exception {
        try {
            return question.call();
        } catch (ExecutionException error) {
            if (error.getCause() instanceof UnsupportedVersionException) {
                return "unsupported";
            }
            throw error;
        }
    }

    private Map<String, Object> brokers() throws Exception {
        Map<String, Object> found = new TreeMap<>();
        for (Node node : wait(admin.describeCluster().nodes())) {
            Map<String, Object> broker = new HashMap<>();
            broker.put("host", node.host());
            broker.put("port", node.port());
            broker.put("rack", node.rack());
            found.put(node.idString(), broker);
        }
        return found;
    }

    // --- topics

    private Collection<TopicDescription> topics() throws Exception {
        Set<String> names = wait(admin.listTopics(new ListTopicsOptions().listInternal(true)).names());
        return wait(admin.describeTopics(names).allTopicNames()).values();
    }

    private static Map<String, Object> said(Collection<TopicDescription> topics) {
        Map<String, Object> found = new TreeMap<>();
        for (TopicDescription topic : topics) {
            Map<String, Object> partitions = new TreeMap<>();
            topic.partitions().forEach(one -> {
                Map<String, Object> partition = new HashMap<>();
                partition.put("leader", one.leader() == null || one.leader().isEmpty() ? null : one.leader().id());
                partition.put("replicas", one.replicas().stream().map(Node::id).toList());
                partition.put("isr", one.isr().stream().map(Node::id).toList());
                partitions.put(String.valueOf(one.partition()), partition);
            });
            found.put(topic.name(), Map.of(
                    "id", topic.topicId().toString(), "internal", topic.isInternal(), "partitions", partitions));
        }
        return found;
    }

    private Map<String, Object> configs(Collection<TopicDescription> topics) throws Exception {
        List<ConfigResource> asked = topics.stream()
                .map(topic -> new ConfigResource(ConfigResource.Type.TOPIC, topic.name())).toList();
        Map<String, Object> found = new TreeMap<>();
        wait(admin.describeConfigs(asked).all()).forEach((topic, configs) -> {
            Map<String, Object> entries = new TreeMap<>();
            configs.entries().forEach(entry -> {
                Map<String, Object> said = new HashMap<>();
                said.put("value", entry.value());
                said.put("source", entry.source().name());
                entries.put(entry.name(), said);
            });
            found.put(topic.name(), entries);
        });
        return found;
    }

    private Map<String, Object> offsets(
            Collection<TopicDescription> topics, OffsetSpec spec, IsolationLevel isolation) throws Exception {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        for (TopicDescription topic : topics) {
            topic.partitions().stream().filter(one -> one.leader() != null && !one.leader().isEmpty())
                    .forEach(one -> asked.put(new TopicPartition(topic.name(), one.partition()), spec));
        }
        Map<String, Object> found = new TreeMap<>();
        for (Map.Entry<TopicPartition, ListOffsetsResultInfo> one : wait(
                admin.listOffsets(asked, new ListOffsetsOptions(isolation)).all()).entrySet()) {
            found.put(one.getKey().toString(), one.getValue().offset());
        }
        return found;
    }

    // --- groups

    private Map<String, Object> groups() throws Exception {
        Map<String, List<String>> names = new HashMap<>();
        Map<String, Object> found = new TreeMap<>();
        for (GroupListing group : wait(admin.listGroups().all())) {
            String kind = group.type().map(GroupType::toString).orElse("Classic").toLowerCase();
            names.computeIfAbsent(kind, absent -> new ArrayList<>()).add(group.groupId());
            Map<String, Object> said = new HashMap<>();
            said.put("type", kind);
            said.put("protocol", group.protocol());
            found.put(group.groupId(), said);
        }
        for (ClassicGroupDescription one : values(admin.describeClassicGroups(of(names, "classic")).describedGroups())) {
            add(found, one.groupId(), one.state().toString(), one.coordinator(), consumers(one.members()));
        }
        for (ConsumerGroupDescription one : values(admin.describeConsumerGroups(of(names, "consumer")).describedGroups())) {
            add(found, one.groupId(), one.groupState().toString(), one.coordinator(), consumers(one.members()));
        }
        for (ShareGroupDescription one : values(admin.describeShareGroups(of(names, "share")).describedGroups())) {
            add(found, one.groupId(), one.groupState().toString(), one.coordinator(), sharers(one.members()));
        }
        for (StreamsGroupDescription one : values(admin.describeStreamsGroups(of(names, "streams")).describedGroups())) {
            add(found, one.groupId(), one.groupState().toString(), one.coordinator(), streams(one));
        }
        commits(found, names);
        return found;
    }

    private static List<String> of(Map<String, List<String>> names, String kind) {
        return names.getOrDefault(kind, List.of());
    }

    private static <T> List<T> values(Map<String, KafkaFuture<T>> futures) throws Exception {
        List<T> found = new ArrayList<>();
        for (KafkaFuture<T> one : futures.values()) {
            found.add(wait(one));
        }
        return found;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> group(Map<String, Object> found, String name) {
        return (Map<String, Object>) found.get(name);
    }

    private static void add(
            Map<String, Object> found, String name, String state, Node coordinator, Map<String, Object> members) {
        group(found, name).putAll(Map.of("state", state, "coordinator", coordinator.id(), "members", members));
    }

    private static Map<String, Object> consumers(Collection<MemberDescription> members) {
        Map<String, Object> found = new TreeMap<>();
        for (MemberDescription one : members) {
            found.put(one.consumerId(), member(one.clientId(), one.host(), one.groupInstanceId(),
                    byTopic(one.assignment().topicPartitions())));
        }
        return found;
    }

    private static Map<String, Object> sharers(Collection<ShareMemberDescription> members) {
        Map<String, Object> found = new TreeMap<>();
        for (ShareMemberDescription one : members) {
            found.put(one.consumerId(), member(one.clientId(), one.host(), Optional.empty(),
                    byTopic(one.assignment().topicPartitions())));
        }
        return found;
    }

    /** A task is a partition of each topic that its subtopology reads. */
    private static Map<String, Object> streams(StreamsGroupDescription group) {
        Map<String, List<String>> sources = new HashMap<>();
        for (StreamsGroupSubtopologyDescription one : group.subtopologies()) {
            List<String> topics = new ArrayList<>(one.sourceTopics());
            topics.addAll(one.repartitionSourceTopics().keySet());
            sources.put(one.subtopologyId(), topics);
        }
        Map<String, Object> found = new TreeMap<>();
        for (StreamsGroupMemberDescription one : group.members()) {
            List<TopicPartition> read = new ArrayList<>();
            for (StreamsGroupMemberAssignment.TaskIds tasks : one.assignment().activeTasks()) {
                for (String topic : sources.get(tasks.subtopologyId())) {
                    tasks.partitions().forEach(number -> read.add(new TopicPartition(topic, number)));
                }
            }
            found.put(one.memberId(), member(one.clientId(), one.clientHost(), one.instanceId(), byTopic(read)));
        }
        return found;
    }

    private static Map<String, Object> member(
            String clientId, String host, Optional<String> instance, Map<String, List<Integer>> assignment) {
        Map<String, Object> found = new HashMap<>();
        found.put("client_id", clientId);
        found.put("host", host);
        found.put("instance", instance.orElse(null));
        found.put("assignment", assignment);
        return found;
    }

    private static Map<String, List<Integer>> byTopic(Collection<TopicPartition> partitions) {
        Map<String, List<Integer>> found = new TreeMap<>();
        for (TopicPartition one : partitions) {
            found.computeIfAbsent(one.topic(), absent -> new ArrayList<>()).add(one.partition());
        }
        found.values().forEach(numbers -> numbers.sort(null));
        return found;
    }

    private void commits(Map<String, Object> found, Map<String, List<String>> names) throws Exception {
        Map<String, ListConsumerGroupOffsetsSpec> consumers = new HashMap<>();
        of(names, "classic").forEach(name -> consumers.put(name, new ListConsumerGroupOffsetsSpec()));
        of(names, "consumer").forEach(name -> consumers.put(name, new ListConsumerGroupOffsetsSpec()));
        if (!consumers.isEmpty()) {
            wait(admin.listConsumerGroupOffsets(consumers).all())
                    .forEach((name, offsets) -> group(found, name).put("committed", committed(offsets)));
        }
        Map<String, ListStreamsGroupOffsetsSpec> streams = new HashMap<>();
        of(names, "streams").forEach(name -> streams.put(name, new ListStreamsGroupOffsetsSpec()));
        if (!streams.isEmpty()) {
            wait(admin.listStreamsGroupOffsets(streams).all())
                    .forEach((name, offsets) -> group(found, name).put("committed", committed(offsets)));
        }
        Map<String, ListShareGroupOffsetsSpec> shares = new HashMap<>();
        of(names, "share").forEach(name -> shares.put(name, new ListShareGroupOffsetsSpec()));
        if (!shares.isEmpty()) {
            wait(admin.listShareGroupOffsets(shares).all()).forEach((name, offsets) -> {
                Map<String, Object> told = new TreeMap<>();
                offsets.forEach((partition, one) -> told.put(partition.toString(), shared(one)));
                group(found, name).put("shared", told);
            });
        }
    }

    private static Map<String, Object> committed(Map<TopicPartition, OffsetAndMetadata> offsets) {
        Map<String, Object> told = new TreeMap<>();
        offsets.forEach((partition, one) -> {
            if (one != null) {
                told.put(partition.toString(), one.offset());
            }
        });
        return told;
    }

    private static Map<String, Object> shared(SharePartitionOffsetInfo one) {
        Map<String, Object> told = new HashMap<>();
        told.put("start", one == null ? null : one.startOffset());
        told.put("lag", one == null ? null : one.lag().orElse(null));
        return told;
    }
}
