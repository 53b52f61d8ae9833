import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
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

/** What AdminClient reads about brokers and access; and grants of each kind until it is closed. */
class Access implements AutoCloseable {
    private final Admin admin;
    private final String mark;

    Access(Admin admin, String mark) {
        this.admin = admin;
        this.mark = mark;
    }

    @Override
    public void close() throws Exception {
        change(false);
    }

    /** Grants or revokes, skipping what the brokers do not support. */
    void change(boolean grants) throws Exception {
        List<AclBinding> acls = List.of(
                acl(ResourceType.TOPIC, mark, PatternType.PREFIXED, AclOperation.READ, AclPermissionType.ALLOW, "*"),
                acl(ResourceType.TOPIC, mark + "-one", PatternType.LITERAL, AclOperation.WRITE, AclPermissionType.ALLOW, "*"),
                acl(ResourceType.GROUP, "*", PatternType.LITERAL, AclOperation.ALL, AclPermissionType.DENY, "10.0.0.1"),
                acl(ResourceType.CLUSTER, "kafka-cluster", PatternType.LITERAL, AclOperation.DESCRIBE, AclPermissionType.ALLOW, "*"));
        if (Reading.supported(() -> acls(admin)) instanceof List) {
            if (grants) {
                Reading.wait(admin.createAcls(acls).all());
            } else {
                Reading.wait(admin.deleteAcls(acls.stream().map(AclBinding::toFilter).toList()).all());
            }
        }
        Reading.wait(admin.alterClientQuotas(List.of(
                quota("producer_byte_rate", grants ? 1024.0 : null, "user", mark, "client-id", null),
                quota("consumer_byte_rate", grants ? 2048.0 : null, "client-id", mark),
                // For everyone else: so high that no one notices.
                quota("request_percentage", grants ? 99_999.5 : null, "user", null),
                quota("connection_creation_rate", grants ? 100.0 : null, "ip", "10.0.0.1"),
                quota("connection_creation_rate", grants ? 1_000_000.0 : null, "ip", null))).all());
        ScramMechanism mechanism = ScramMechanism.SCRAM_SHA_512;
        Reading.supported(() -> Reading.wait(admin.alterUserScramCredentials(List.of(grants
                ? new UserScramCredentialUpsertion(mark, new ScramCredentialInfo(mechanism, 8192), "a password")
                : new UserScramCredentialDeletion(mark, mechanism))).all()));
        ConfigEntry setting = new ConfigEntry("log.cleaner.backoff.ms", "14999");
        Reading.wait(admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.BROKER, ""), List.of(
                new AlterConfigOp(setting, grants ? AlterConfigOp.OpType.SET : AlterConfigOp.OpType.DELETE)))).all());
    }

    /** `entity`: kinds and names alternating; a null name: the kind's default. */
    private static ClientQuotaAlteration quota(String key, Double value, String... entity) {
        Map<String, String> of = new HashMap<>();
        for (int at = 0; at < entity.length; at += 2) {
            of.put(entity[at], entity[at + 1]);
        }
        return new ClientQuotaAlteration(
                new ClientQuotaEntity(of), List.of(new ClientQuotaAlteration.Op(key, value)));
    }

    private AclBinding acl(
            ResourceType type, String name, PatternType pattern, AclOperation operation, AclPermissionType permission, String host) {
        return new AclBinding(new ResourcePattern(type, name, pattern),
                new AccessControlEntry("User:" + mark, host, operation, permission));
    }

    // --- what it reads

    static Map<String, Object> told(Admin admin) throws Exception {
        Map<String, Object> found = new TreeMap<>();
        Map<String, Object> fenced = new TreeMap<>();
        for (Node node : Reading.wait(admin.describeCluster().nodes())) {
            fenced.put(node.idString(), null);
        }
        found.put("configs", configs(admin, fenced.keySet()));
        Reading.supported(() -> {
            for (Node node : Reading.wait(admin.describeCluster(new DescribeClusterOptions().includeFencedBrokers(true)).nodes())) {
                fenced.put(node.idString(), node.isFenced());
            }
            return null;
        });
        found.put("fenced", fenced);
        found.put("features", features(admin));
        found.put("quorum", Reading.supported(() -> quorum(admin)));
        found.put("acls", Reading.supported(() -> acls(admin)));
        found.put("quotas", Reading.supported(() -> {
            Map<String, Object> quotas = new TreeMap<>();
            Reading.wait(admin.describeClientQuotas(ClientQuotaFilter.all()).entities()).forEach((entity, limits) ->
                    quotas.put(new TreeMap<>(entity.entries()).toString(), limits));
            return quotas;
        }));
        found.put("scram_users", Reading.supported(() -> {
            Map<String, Object> users = new TreeMap<>();
            Reading.wait(admin.describeUserScramCredentials().all()).forEach((name, user) -> {
                Map<String, Object> credentials = new TreeMap<>();
                user.credentialInfos().forEach(one -> credentials.put(one.mechanism().mechanismName(), one.iterations()));
                users.put(name, credentials);
            });
            return users;
        }));
        return found;
    }

    private static Map<String, Object> configs(Admin admin, Collection<String> brokers) throws Exception {
        List<ConfigResource> asked = new ArrayList<>(List.of(new ConfigResource(ConfigResource.Type.BROKER, "")));
        brokers.forEach(one -> asked.add(new ConfigResource(ConfigResource.Type.BROKER, one)));
        Map<String, Object> found = new TreeMap<>();
        Reading.wait(admin.describeConfigs(asked).all()).forEach((broker, configs) -> {
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
        FeatureMetadata told = Reading.wait(admin.describeFeatures().featureMetadata());
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

    /** Without offsets and times, which always change. */
    private static Map<String, Object> quorum(Admin admin) throws Exception {
        QuorumInfo told = Reading.wait(admin.describeMetadataQuorum().quorumInfo());
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
            return Reading.wait(admin.describeAcls(AclBindingFilter.ANY).values()).stream().map(acl -> String.join(" ",
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
