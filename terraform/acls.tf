# A Basic cluster has no roles for topics and groups: there, and only there, these ACLs replace them.

locals {
  acls = merge(
    {
      "describe the cluster" = { type = "CLUSTER", name = "kafka-cluster", operation = "DESCRIBE" }
      "read cluster configs" = { type = "CLUSTER", name = "kafka-cluster", operation = "DESCRIBE_CONFIGS" }
      "describe topics"      = { type = "TOPIC", name = "*", operation = "DESCRIBE" }
      "read topic configs"   = { type = "TOPIC", name = "*", operation = "DESCRIBE_CONFIGS" }
      "read groups"          = { type = "GROUP", name = "*", operation = "DESCRIBE" }
      "publish snapshots"    = { type = "TOPIC", name = local.events_topic, operation = "WRITE" }
      "publish changes"      = { type = "TOPIC", name = local.changes_topic, operation = "WRITE" }
      "fence late runs"      = { type = "TRANSACTIONAL_ID", name = "mesh-assets-*", operation = "WRITE" }
      "read snapshots"       = { type = "TOPIC", name = local.events_topic, operation = "READ" }
    },
    {
      for pattern in(var.enable_profiling ? var.profiled_topics : []) :
      "profile ${pattern}" => { type = "TOPIC", name = pattern, operation = "READ" }
    },
  )
}

resource "confluent_kafka_acl" "discovery_agent" {
  for_each = var.basic_cluster ? local.acls : {}
  provider = confluent.kafka

  principal     = local.principal
  host          = "*"
  permission    = "ALLOW"
  resource_type = each.value.type
  # To Kafka, * alone is a literal name that means all; orders* is the prefix orders.
  resource_name = each.value.name == "*" ? "*" : trimsuffix(each.value.name, "*")
  pattern_type  = each.value.name != "*" && endswith(each.value.name, "*") ? "PREFIXED" : "LITERAL"
  operation     = each.value.operation
}
