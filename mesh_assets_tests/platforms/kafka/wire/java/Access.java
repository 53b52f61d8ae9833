import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * What AdminClient tells of the brokers, and of who may do what, as one JSON object. `Access MARK` grants something of each kind, says
 * "ready", and takes it back when its input ends.
 */
public class Access {
    private static final List<String> KINDS = List.of("user", "client-id");

    private final Admin admin;
    private final String mark;

    private Access(Admin admin, String mark) {
        this.admin = admin;
        this.mark = mark;
    }

    public static void main(String[] arguments) throws Exception {
        try (Admin admin = Admin.create(Reading.properties())) {
            if (arguments.length == 0) {
                System.out.println(new ObjectMapper().writeValueAsString(told(admin)));
                return;
            }
            Access access = new Access(admin, arguments[0]);
            access.change(true);
            System.out.println("ready");
            while (System.in.read() >= 0) {}
            access.change(false);
        }
    }

    private static <T> T wait(KafkaFuture<T> future) throws Exception {
        return future.get(60, TimeUnit.SECONDS);
    }

    /** Grants, or takes back. */
    private void change(boolean grants) throws Exception {
        List<AclBinding> acls = List.of(
                acl(ResourceType.TOPIC, mark, PatternType.PREFIXED, AclOperation.READ, AclPermissionType.ALLOW, "*"),
                acl(ResourceType.GROUP, "*", PatternType.LITERAL, AclOperation.ALL, AclPermissionType.DENY, "10.0.0.1"),
                acl(ResourceType.CLUSTER, "kafka-cluster", PatternType.LITERAL, AclOperation.DESCRIBE, AclPermissionType.ALLOW, "*"));
        if (hasAuthorizer()) {
            if (grants) {
                wait(admin.createAcls(acls).all());
            } else {
                wait(admin.deleteAcls(acls.stream().map(AclBinding::toFilter).toList()).all());
            }
        }
        Map<String, String> of = new HashMap<>();
        of.put(KINDS.get(0), mark);
        of.put(KINDS.get(1), null);
        wait(admin.alterClientQuotas(List.of(new ClientQuotaAlteration(new ClientQuotaEntity(of),
                List.of(new ClientQuotaAlteration.Op("producer_byte_rate", grants ? 1024.0 : null))))).all());
        ScramMechanism mechanism = ScramMechanism.SCRAM_SHA_512;
        wait(admin.alterUserScramCredentials(List.of(grants
                ? new UserScramCredentialUpsertion(mark, new ScramCredentialInfo(mechanism, 8192), "a password")
                : new UserScramCredentialDeletion(mark, mechanism))).all());
        ConfigEntry setting = new ConfigEntry("log.cleaner.backoff.ms", "14999");
        wait(admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.BROKER, ""), List.of(
                new AlterConfigOp(setting, grants ? AlterConfigOp.OpType.SET : AlterConfigOp.OpType.DELETE)))).all());
    }

    private AclBinding acl(
            ResourceType type, String name, PatternType pattern, AclOperation operation, AclPermissionType permission, String host) {
        return new AclBinding(new ResourcePattern(type, name, pattern),
                new AccessControlEntry("User:" + mark, host, operation, permission));
    }

    private boolean hasAuthorizer() throws Exception {
        return acls(admin) != null;
    }

    // --- what is told

    static Map<String, Object> told(Admin admin) throws Exception {
        Map<String, Object> found = new TreeMap<>();
        List<Integer> brokers = new ArrayList<>();
        Map<String, Object> fenced = new TreeMap<>();
        for (Node node : wait(admin.describeCluster(new DescribeClusterOptions().includeFencedBrokers(true)).nodes())) {
            fenced.put(node.idString(), node.isFenced());
            brokers.add(node.id());
        }
        found.put("fenced", fenced);
        found.put("configs", configs(admin, brokers));
        found.put("features", features(admin));
        found.put("quorum", quorum(admin));
        found.put("acls", acls(admin));
        Map<String, Object> quotas = new TreeMap<>();
        wait(admin.describeClientQuotas(ClientQuotaFilter.all()).entities()).forEach((entity, limits) ->
                quotas.put(new TreeMap<>(entity.entries()).toString(), limits));
        found.put("quotas", quotas);
        Map<String, Object> users = new TreeMap<>();
        wait(admin.describeUserScramCredentials().all()).forEach((name, user) -> {
            Map<String, Object> credentials = new TreeMap<>();
            user.credentialInfos().forEach(one -> credentials.put(one.mechanism().mechanismName(), one.iterations()));
            users.put(name, credentials);
        });
        found.put("scram_users", users);
        return found;
    }

    private static Map<String, Object> configs(Admin admin, List<Integer> brokers) throws Exception {
        List<ConfigResource> asked = new ArrayList<>(List.of(new ConfigResource(ConfigResource.Type.BROKER, "")));
        brokers.forEach(one -> asked.add(new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(one))));
        Map<String, Object> found = new TreeMap<>();
        wait(admin.describeConfigs(asked).all()).forEach((broker, configs) -> {
            Map<String, Object> entries = new TreeMap<>();
            configs.entries().forEach(entry -> {
                Map<String, Object> said = new HashMap<>();
                said.put("value", entry.value());
                said.put("source", entry.source().name());
                said.put("sensitive", entry.isSensitive());
                entries.put(entry.name(), said);
            });
            found.put(broker.name(), entries);
        });
        return found;
    }

    private static Map<String, Object> features(Admin admin) throws Exception {
        FeatureMetadata told = wait(admin.describeFeatures().featureMetadata());
        Map<String, Object> features = new TreeMap<>();
        told.supportedFeatures().forEach((name, range) -> {
            Map<String, Object> feature = new HashMap<>();
            feature.put("level", null);
            feature.put("range", List.of((int) range.minVersion(), (int) range.maxVersion()));
            features.put(name, feature);
        });
        told.finalizedFeatures().forEach((name, range) -> {
            @SuppressWarnings("unchecked")
            Map<String, Object> feature = (Map<String, Object>) features.computeIfAbsent(name, absent -> new HashMap<>());
            feature.put("level", (int) range.maxVersionLevel());
        });
        Map<String, Object> found = new HashMap<>();
        found.put("epoch", told.finalizedFeaturesEpoch().orElse(null));
        found.put("features", features);
        return found;
    }

    /** Without offsets and times, which never stand still. */
    private static Map<String, Object> quorum(Admin admin) throws Exception {
        QuorumInfo told = wait(admin.describeMetadataQuorum().quorumInfo());
        Map<String, Object> endpoints = new TreeMap<>();
        told.nodes().forEach((id, node) -> endpoints.put(String.valueOf(id), node.endpoints().stream()
                .map(one -> one.listener() + "://" + one.host() + ":" + one.port()).toList()));
        return Map.of("leader", told.leaderId(), "epoch", told.leaderEpoch(),
                "voters", told.voters().stream().map(QuorumInfo.ReplicaState::replicaId).sorted().toList(),
                "observers", told.observers().stream().map(QuorumInfo.ReplicaState::replicaId).sorted().toList(),
                "endpoints", endpoints);
    }

    /** Null without an authorizer. */
    private static List<String> acls(Admin admin) throws Exception {
        try {
            return wait(admin.describeAcls(AclBindingFilter.ANY).values()).stream().map(acl -> String.join(" ",
                    acl.entry().permissionType().name(), acl.entry().principal(), acl.entry().operation().name(),
                    acl.pattern().resourceType().name(), acl.pattern().patternType().name(), acl.pattern().name(),
                    acl.entry().host()).toLowerCase()).sorted().toList();
        } catch (ExecutionException error) {
            if (error.getCause() instanceof SecurityDisabledException) {
                return null;
            }
            throw error;
        }
    }
}
