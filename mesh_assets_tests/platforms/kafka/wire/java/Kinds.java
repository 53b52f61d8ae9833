import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.MemberAssignment;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.ShareGroupDescription;
import org.apache.kafka.clients.admin.ShareMemberDescription;
import org.apache.kafka.clients.admin.StreamsGroupDescription;
import org.apache.kafka.clients.admin.StreamsGroupMemberAssignment;
import org.apache.kafka.clients.admin.StreamsGroupMemberDescription;
import org.apache.kafka.clients.admin.StreamsGroupSubtopologyDescription;
import org.apache.kafka.common.TopicPartition;

/** What Kafka's AdminClient reads about groups since KIP-848 beyond what all groups have. */
class Kinds {
    private final Admin admin;

    Kinds(Admin admin) {
        this.admin = admin;
    }

    Map<String, Object> told() throws Exception {
        Map<String, List<String>> names = new HashMap<>();
        for (GroupListing group : Reading.wait(admin.listGroups().all())) {
            String kind = group.type().map(Object::toString).orElse("Classic").toLowerCase();
            names.computeIfAbsent(kind, absent -> new ArrayList<>()).add(group.groupId());
        }
        Map<String, Object> found = new TreeMap<>();
        for (ConsumerGroupDescription one :
                Reading.wait(admin.describeConsumerGroups(names.getOrDefault("consumer", List.of())).all()).values()) {
            Map<String, Object> members = new TreeMap<>();
            for (MemberDescription member : one.members()) {
                Map<String, Object> said = member(member.memberEpoch().orElse(null), member.rackId().orElse(null));
                said.put("is_classic", member.upgraded().map(upgraded -> !upgraded).orElse(null));
                said.put("target", member.targetAssignment().map(MemberAssignment::topicPartitions)
                        .map(Kinds::byTopic).orElse(null));
                members.put(member.consumerId(), said);
            }
            Map<String, Object> said = group(
                    one.groupEpoch().orElse(null), one.targetAssignmentEpoch().orElse(null), members);
            said.put("assignor", one.partitionAssignor());
            found.put(one.groupId(), said);
        }
        for (ShareGroupDescription one :
                Reading.wait(admin.describeShareGroups(names.getOrDefault("share", List.of())).all()).values()) {
            Map<String, Object> members = new TreeMap<>();
            for (ShareMemberDescription member : one.members()) {
                members.put(member.consumerId(), member(member.memberEpoch(), member.rackId().orElse(null)));
            }
            found.put(one.groupId(), group(one.groupEpoch(), one.targetAssignmentEpoch(), members));
        }
        for (StreamsGroupDescription one :
                Reading.wait(admin.describeStreamsGroups(names.getOrDefault("streams", List.of())).all()).values()) {
            found.put(one.groupId(), streams(one));
        }
        return found;
    }

    private static Map<String, Object> streams(StreamsGroupDescription group) {
        Map<String, Object> members = new TreeMap<>();
        for (StreamsGroupMemberDescription one : group.members()) {
            Map<String, Object> said = member(one.memberEpoch(), one.rackId().orElse(null));
            said.put("is_classic", one.isClassic());
            said.put("topology_epoch", one.topologyEpoch());
            said.put("process_id", one.processId());
            said.put("endpoint", one.userEndpoint().map(where -> where.host() + ":" + where.port()).orElse(null));
            said.put("client_tags", new TreeMap<>(one.clientTags()));
            said.put("tasks", tasks(one.assignment()));
            said.put("target_tasks", tasks(one.targetAssignment()));
            members.put(one.memberId(), said);
        }
        Map<String, Object> parts = new TreeMap<>();
        for (StreamsGroupSubtopologyDescription one : group.subtopologies()) {
            Map<String, Object> part = new HashMap<>();
            part.put("source_topics", sorted(one.sourceTopics()));
            part.put("repartition_source_topics", sorted(one.repartitionSourceTopics().keySet()));
            part.put("repartition_sink_topics", sorted(one.repartitionSinkTopics()));
            part.put("changelog_topics", sorted(one.stateChangelogTopics().keySet()));
            parts.put(one.subtopologyId(), part);
        }
        Map<String, Object> said = group(group.groupEpoch(), group.targetAssignmentEpoch(), members);
        said.put("topology_epoch", group.topologyEpoch());
        said.put("subtopologies", parts);
        return said;
    }

    private static Map<String, Object> group(Integer epoch, Integer assignmentEpoch, Map<String, Object> members) {
        Map<String, Object> said = new HashMap<>();
        said.put("epoch", epoch);
        said.put("assignment_epoch", assignmentEpoch);
        said.put("members", members);
        return said;
    }

    private static Map<String, Object> member(Integer epoch, String rack) {
        Map<String, Object> said = new HashMap<>();
        said.put("epoch", epoch);
        said.put("rack", rack);
        return said;
    }

    private static Map<String, Object> tasks(StreamsGroupMemberAssignment assignment) {
        Map<String, Object> said = new TreeMap<>();
        said.put("active", byPart(assignment.activeTasks()));
        said.put("standby", byPart(assignment.standbyTasks()));
        said.put("warmup", byPart(assignment.warmupTasks()));
        return said;
    }

    private static Map<String, List<Integer>> byPart(List<StreamsGroupMemberAssignment.TaskIds> tasks) {
        Map<String, List<Integer>> found = new TreeMap<>();
        tasks.forEach(one -> found.put(one.subtopologyId(), one.partitions().stream().sorted().toList()));
        return found;
    }

    static Map<String, List<Integer>> byTopic(Collection<TopicPartition> partitions) {
        Map<String, List<Integer>> found = new TreeMap<>();
        for (TopicPartition one : partitions) {
            found.computeIfAbsent(one.topic(), absent -> new ArrayList<>()).add(one.partition());
        }
        found.values().forEach(numbers -> numbers.sort(null));
        return found;
    }

    private static List<String> sorted(Collection<String> names) {
        return names.stream().sorted().toList();
    }
}
