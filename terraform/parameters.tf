# The keys, for the runner: the estate names them as ssm:/discovery-agent/….

locals {
  parameters = {
    "cluster-api-key"    = { value = confluent_api_key.kafka.id, key = confluent_api_key.kafka.id }
    "cluster-api-secret" = { value = confluent_api_key.kafka.secret, key = confluent_api_key.kafka.id }
    "sr-api-key"         = { value = confluent_api_key.schema_registry.id, key = confluent_api_key.schema_registry.id }
    "sr-api-secret"      = { value = confluent_api_key.schema_registry.secret, key = confluent_api_key.schema_registry.id }
    "cloud-api-key"      = { value = confluent_api_key.cloud.id, key = confluent_api_key.cloud.id }
    "cloud-api-secret"   = { value = confluent_api_key.cloud.secret, key = confluent_api_key.cloud.id }
  }
}

resource "aws_ssm_parameter" "discovery_agent" {
  for_each = toset(["cluster-api-key", "cluster-api-secret", "sr-api-key", "sr-api-secret", "cloud-api-key", "cloud-api-secret"])

  name        = "/${var.name}/${each.key}"
  description = "Mesh Assets, ${var.kafka_cluster_id}"
  type        = "SecureString"
  key_id      = var.kms_key_arn

  # Write-only: the value is in no plan and no state. It is written again when the version changes, so the version is derived from the id of
  # the key, which changes with a new key.
  value_wo         = local.parameters[each.key].value
  value_wo_version = parseint(substr(sha256(local.parameters[each.key].key), 0, 7), 16)
}
