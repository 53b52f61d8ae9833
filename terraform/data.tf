# Existing things, which Terraform does not change.

data "confluent_organization" "this" {}

data "confluent_environment" "this" {
  id = var.environment_id
}

data "confluent_kafka_cluster" "this" {
  id = var.kafka_cluster_id

  environment {
    id = data.confluent_environment.this.id
  }

  lifecycle {
    postcondition {
      condition     = var.basic_cluster || length(self.basic) == 0
      error_message = "${var.kafka_cluster_id} is a Basic cluster, which has no roles for topics and groups: set basic_cluster = true."
    }
  }
}

data "confluent_schema_registry_cluster" "this" {
  id = var.schema_registry_id

  environment {
    id = data.confluent_environment.this.id
  }
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}
