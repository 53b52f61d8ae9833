import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.common.TopicPartition;

/** Transactions as their coordinators report them, and producers as the partitions' leaders do. */
class Transactions {
    private final Admin admin;
    private final Collection<TopicDescription> topics;

    Transactions(Admin admin, Collection<TopicDescription> topics) {
        this.admin = admin;
        this.topics = topics;
    }

    Map<String, Object> told() throws Exception {
        Map<String, Object> found = new TreeMap<>();
        found.put("transactional_ids", Reading.supported(this::ids));
        found.put("producers", "unsupported");
        found.put("open", "unsupported");
        Reading.supported(() -> {
            producers(found);
            return null;
        });
        return found;
    }

    private Map<String, Object> ids() throws Exception {
        Map<String, Object> found = new TreeMap<>();
        List<String> open = new ArrayList<>();
        for (TransactionListing one : Reading.wait(admin.listTransactions().all())) {
            Map<String, Object> said = new HashMap<>();
            said.put("state", one.state().toString());
            said.put("producer_id", one.producerId());
            found.put(one.transactionalId(), said);
            if (one.state().toString().equals("Ongoing")) {
                open.add(one.transactionalId());
            }
        }
        for (Map.Entry<String, TransactionDescription> one : Reading.wait(admin.describeTransactions(open).all()).entrySet()) {
            TransactionDescription told = one.getValue();
            Map<String, List<Integer>> partitions = new TreeMap<>();
            for (TopicPartition place : told.topicPartitions()) {
                partitions.computeIfAbsent(place.topic(), absent -> new ArrayList<>()).add(place.partition());
            }
            partitions.values().forEach(numbers -> numbers.sort(null));
            @SuppressWarnings("unchecked")
            Map<String, Object> said = (Map<String, Object>) found.get(one.getKey());
            said.put("coordinator", told.coordinatorId());
            said.put("producer_epoch", told.producerEpoch());
            said.put("timeout_ms", told.transactionTimeoutMs());
            said.put("started_ms", told.transactionStartTimeMs().getAsLong());
            said.put("topics", partitions);
        }
        return found;
    }

    private void producers(Map<String, Object> found) throws Exception {
        List<TopicPartition> asked = new ArrayList<>();
        for (TopicDescription topic : topics) {
            topic.partitions().forEach(one -> asked.add(new TopicPartition(topic.name(), one.partition())));
        }
        Map<String, Object> counts = new TreeMap<>();
        Map<String, Object> open = new TreeMap<>();
        var told = admin.describeProducers(asked);
        for (TopicPartition place : asked) {
            List<ProducerState> ones = Reading.wait(told.partitionResult(place)).activeProducers();
            if (!ones.isEmpty()) {
                counts.put(place.toString(), ones.size());
            }
            for (ProducerState one : ones) {
                if (one.currentTransactionStartOffset().isPresent()) {
                    open.put(place.toString(), Map.of(
                            "producer_id", one.producerId(), "producer_epoch", one.producerEpoch(),
                            "start_offset", one.currentTransactionStartOffset().getAsLong(),
                            "last_written_ms", one.lastTimestamp()));
                }
            }
        }
        found.put("producers", counts);
        found.put("open", open);
    }
}
