# The agent: who it is, its three keys, and the roles that bind it. Why each role: docs/terraform.md.

locals {
  principal = "User:${confluent_service_account.discovery_agent.id}"

  cluster_crn  = data.confluent_kafka_cluster.this.rbac_crn
  kafka_crn    = "${local.cluster_crn}/kafka=${data.confluent_kafka_cluster.this.id}"
  registry_crn = data.confluent_schema_registry_cluster.this.resource_name
  operator_crn = var.see_environment ? data.confluent_environment.this.resource_name : local.cluster_crn

  events_topic  = "discovery-events"
  changes_topic = "discovery-changes"

  # On every type of cluster.
  roles_everywhere = {
    "describe the cluster"    = { role = "Operator", on = local.operator_crn }
    "read metrics"            = { role = "MetricsViewer", on = data.confluent_organization.this.resource_name }
    "read schemas"            = { role = "DeveloperRead", on = "${local.registry_crn}/subject=*" }
    "register events schema"  = { role = "DeveloperWrite", on = "${local.registry_crn}/subject=${local.events_topic}-value" }
    "register changes schema" = { role = "DeveloperWrite", on = "${local.registry_crn}/subject=${local.changes_topic}-value" }
  }

  # Not on Basic clusters: there acls.tf replaces Kafka's roles, and connector configs cannot be granted at all.
  roles_of_resources = merge(
    {
      "read groups"       = { role = "DeveloperRead", on = "${local.kafka_crn}/group=*" }
      "publish snapshots" = { role = "DeveloperWrite", on = "${local.kafka_crn}/topic=${local.events_topic}" }
      "publish changes"   = { role = "DeveloperWrite", on = "${local.kafka_crn}/topic=${local.changes_topic}" }
      "fence late runs"   = { role = "DeveloperWrite", on = "${local.kafka_crn}/transactional-id=mesh-assets-*" }
      "read snapshots"    = { role = "DeveloperRead", on = "${local.kafka_crn}/topic=${local.events_topic}" }
    },
    { for name in var.connectors : "read connector ${name}" => { role = "DeveloperRead", on = "${local.cluster_crn}/connector=${name}" } },
    {
      for pattern in(var.enable_profiling ? var.profiled_topics : []) :
      "profile ${pattern}" => { role = "DeveloperRead", on = "${local.kafka_crn}/topic=${pattern}" }
    },
  )
}

resource "confluent_service_account" "discovery_agent" {
  display_name = var.name
  description  = "Mesh Assets: reads the metadata of ${var.kafka_cluster_id} and publishes it to ${local.events_topic} and ${local.changes_topic}"
}

resource "confluent_role_binding" "discovery_agent" {
  for_each = var.basic_cluster ? local.roles_everywhere : merge(local.roles_everywhere, local.roles_of_resources)

  principal   = local.principal
  role_name   = each.value.role
  crn_pattern = each.value.on
}

# The state always contains a key's secret: README.md explains the consequences.

resource "confluent_api_key" "kafka" {
  display_name = "${var.name}-kafka"
  description  = "Kafka of ${var.kafka_cluster_id} for Mesh Assets"

  # Where Terraform cannot reach the cluster (a private network), it can neither create topics nor wait for a key to work.
  disable_wait_for_ready = !var.create_topics

  owner {
    id          = confluent_service_account.discovery_agent.id
    api_version = confluent_service_account.discovery_agent.api_version
    kind        = confluent_service_account.discovery_agent.kind
  }

  managed_resource {
    id          = data.confluent_kafka_cluster.this.id
    api_version = data.confluent_kafka_cluster.this.api_version
    kind        = data.confluent_kafka_cluster.this.kind

    environment {
      id = data.confluent_environment.this.id
    }
  }

  # The provider tests a new key, whose roles must be bound by then.
  depends_on = [confluent_role_binding.discovery_agent, confluent_kafka_acl.discovery_agent]

  lifecycle {
    create_before_destroy = true
  }
}

resource "confluent_api_key" "schema_registry" {
  display_name = "${var.name}-schema-registry"
  description  = "Schema Registry ${var.schema_registry_id} for Mesh Assets"

  owner {
    id          = confluent_service_account.discovery_agent.id
    api_version = confluent_service_account.discovery_agent.api_version
    kind        = confluent_service_account.discovery_agent.kind
  }

  managed_resource {
    id          = data.confluent_schema_registry_cluster.this.id
    api_version = data.confluent_schema_registry_cluster.this.api_version
    kind        = data.confluent_schema_registry_cluster.this.kind

    environment {
      id = data.confluent_environment.this.id
    }
  }

  depends_on = [confluent_role_binding.discovery_agent]

  lifecycle {
    create_before_destroy = true
  }
}

# A Cloud key is one without a managed resource: connectors, metrics and the control plane.
resource "confluent_api_key" "cloud" {
  display_name = "${var.name}-cloud"
  description  = "Connect, metrics and the control plane for Mesh Assets"

  owner {
    id          = confluent_service_account.discovery_agent.id
    api_version = confluent_service_account.discovery_agent.api_version
    kind        = confluent_service_account.discovery_agent.kind
  }

  depends_on = [confluent_role_binding.discovery_agent]

  lifecycle {
    create_before_destroy = true
  }
}
