# Who owns the keys, what they are for, and where they go.

mock_provider "confluent" {
  source          = "./tests/mocks/confluent"
  override_during = plan
}

mock_provider "confluent" {
  alias           = "kafka"
  source          = "./tests/mocks/confluent"
  override_during = plan
}

mock_provider "aws" {
  source          = "./tests/mocks/aws"
  override_during = plan
}

variables {
  environment_id         = "env-7zpqx1"
  kafka_cluster_id       = "lkc-nd1ng3"
  schema_registry_id     = "lsrc-8wrx70"
  kafka_admin_api_key    = "ADMINADMINADMINA"
  kafka_admin_api_secret = "made-up"
}

run "keys" {
  command = plan

  assert {
    condition = alltrue([
      for key in [confluent_api_key.kafka, confluent_api_key.schema_registry, confluent_api_key.cloud] :
      key.owner == tolist([{ id = "sa-abc123", api_version = "iam/v2", kind = "ServiceAccount" }])
    ])
    error_message = "A key does not belong to the agent."
  }

  assert {
    condition = confluent_api_key.kafka.managed_resource == tolist([
      { id = "lkc-nd1ng3", api_version = "cmk/v2", kind = "Cluster", environment = tolist([{ id = "env-7zpqx1" }]) }
    ])
    error_message = "The Kafka key is not for the cluster."
  }

  assert {
    condition = confluent_api_key.schema_registry.managed_resource == tolist([
      { id = "lsrc-8wrx70", api_version = "srcm/v3", kind = "Cluster", environment = tolist([{ id = "env-7zpqx1" }]) }
    ])
    error_message = "The Schema Registry key is not for the registry."
  }

  assert {
    condition     = length(confluent_api_key.cloud.managed_resource) == 0
    error_message = "A Cloud key has no managed resource."
  }
}

run "parameters" {
  command = plan

  assert {
    condition = toset([for parameter in aws_ssm_parameter.discovery_agent : "${parameter.type} ${parameter.name}"]) == toset([
      "SecureString /discovery-agent/cluster-api-key",
      "SecureString /discovery-agent/cluster-api-secret",
      "SecureString /discovery-agent/sr-api-key",
      "SecureString /discovery-agent/sr-api-secret",
      "SecureString /discovery-agent/cloud-api-key",
      "SecureString /discovery-agent/cloud-api-secret",
    ])
    error_message = "The parameters are not those that the estate names."
  }

  assert {
    condition     = alltrue([for parameter in aws_ssm_parameter.discovery_agent : parameter.value_wo_version > 0])
    error_message = "A write-only value without a version is written once and never again."
  }
}

run "outputs" {
  command = plan

  assert {
    condition = [output.environment_id, output.environment_name, output.kafka_cluster_id, output.kafka_cluster_name] == [
      "env-7zpqx1", "agentic-data-mesh", "lkc-nd1ng3", "data-mesh-cluster"
    ]
    error_message = "The ids or names are wrong."
  }

  assert {
    condition     = output.kafka_bootstrap_endpoint == "pkc-00000.eu-central-1.aws.confluent.cloud:9092"
    error_message = "Kafka's clients need host:port."
  }

  assert {
    condition = [output.schema_registry_id, output.schema_registry_rest_endpoint] == [
      "lsrc-8wrx70", "https://psrc-00000.eu-central-1.aws.confluent.cloud"
    ]
    error_message = "The registry is wrong."
  }

  assert {
    condition     = output.store == "s3://discovery-agent-123456789012-eu-central-1/mesh"
    error_message = "The store is elsewhere."
  }
}
