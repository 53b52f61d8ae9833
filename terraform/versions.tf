terraform {
  # Write-only attributes and ephemeral variables, which keep secrets out of plan and state, need 1.11.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
    confluent = {
      source  = "confluentinc/confluent"
      version = "~> 2.83"
    }
  }
}

# The Cloud key of Terraform's user comes from CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET.
provider "confluent" {}

# Topics and ACLs are created through the cluster's own REST endpoint, with a Kafka key of Terraform's user. It is here and not in
# the resources, because the state contains what is in a resource.
provider "confluent" {
  alias = "kafka"

  kafka_id            = var.kafka_admin_api_key == null ? null : var.kafka_cluster_id
  kafka_rest_endpoint = var.kafka_admin_api_key == null ? null : data.confluent_kafka_cluster.this.rest_endpoint
  kafka_api_key       = var.kafka_admin_api_key
  kafka_api_secret    = var.kafka_admin_api_secret
}

# Account and region are those of the environment (AWS_PROFILE, AWS_REGION, …).
provider "aws" {
  default_tags {
    tags = merge({ Application = var.name }, var.tags)
  }
}
