import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;

/** How the topics of a cluster are stored, as Kafka's own AdminClient reads it. */
class Storage {
    private final Admin admin;
    private final Collection<TopicDescription> topics;

    Storage(Admin admin, Collection<TopicDescription> topics) {
        this.admin = admin;
        this.topics = topics;
    }

    Map<String, Object> told() throws Exception {
        Map<String, Object> found = new TreeMap<>();
        found.put("log_dirs", logDirs());
        found.put("reassignments", Reading.supported(this::reassignments));
        found.put("first", Reading.supported(() -> offsets(OffsetSpec.forTimestamp(0))));
        found.put("newest", Reading.supported(() -> offsets(OffsetSpec.maxTimestamp())));
        found.put("earliest_local", Reading.supported(() -> offsets(OffsetSpec.earliestLocal())));
        found.put("latest_tiered", Reading.supported(() -> offsets(OffsetSpec.latestTiered())));
        found.put("eligible", eligible());
        return found;
    }

    private Object logDirs() throws Exception {
        List<Integer> brokers = Reading.wait(admin.describeCluster().nodes()).stream().map(Node::id).toList();
        Map<String, Object> found = new TreeMap<>();
        Reading.wait(admin.describeLogDirs(brokers).allDescriptions()).forEach((broker, directories) -> {
            Map<String, Object> ones = new TreeMap<>();
            directories.forEach((path, directory) -> {
                Map<String, Object> replicas = new TreeMap<>();
                directory.replicaInfos().forEach((partition, replica) -> replicas.put(partition.toString(),
                        Map.of("bytes", replica.size(), "lag", replica.offsetLag(), "future", replica.isFuture())));
                Map<String, Object> one = new HashMap<>();
                one.put("error", directory.error() != null);
                one.put("total", directory.totalBytes().isPresent() ? directory.totalBytes().getAsLong() : null);
                one.put("replicas", replicas);
                ones.put(path, one);
            });
            found.put(String.valueOf(broker), ones);
        });
        return found;
    }

    private Object reassignments() throws Exception {
        Map<String, Object> found = new TreeMap<>();
        Reading.wait(admin.listPartitionReassignments().reassignments()).forEach((partition, one) -> found.put(
                partition.toString(), Map.of("adding", one.addingReplicas(), "removing", one.removingReplicas())));
        return found;
    }

    private Object offsets(OffsetSpec spec) throws Exception {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        for (TopicDescription topic : topics) {
            topic.partitions().stream().filter(one -> one.leader() != null && !one.leader().isEmpty())
                    .forEach(one -> asked.put(new TopicPartition(topic.name(), one.partition()), spec));
        }
        Map<String, Object> found = new TreeMap<>();
        for (Map.Entry<TopicPartition, ListOffsetsResultInfo> one : Reading.wait(admin.listOffsets(asked).all()).entrySet()) {
            found.put(one.getKey().toString(),
                    Map.of("offset", one.getValue().offset(), "timestamp", one.getValue().timestamp()));
        }
        return found;
    }

    /** Unsupported where the brokers do not report it, which the client shows as null. */
    private Object eligible() {
        Map<String, Object> found = new TreeMap<>();
        boolean told = false;
        for (TopicDescription topic : topics) {
            for (var one : topic.partitions()) {
                told |= one.elr() != null;
                List<Integer> eligible = ids(one.elr());
                List<Integer> lastKnown = ids(one.lastKnownElr());
                if (!eligible.isEmpty() || !lastKnown.isEmpty()) {
                    found.put(topic.name() + "-" + one.partition(), Map.of("eligible", eligible, "last_known", lastKnown));
                }
            }
        }
        return told ? found : "unsupported";
    }

    private static List<Integer> ids(List<Node> nodes) {
        return nodes == null ? List.of() : nodes.stream().map(Node::id).toList();
    }
}
