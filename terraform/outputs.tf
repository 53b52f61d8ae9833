# `mesh-assets configure --from-terraform` reads these names.

output "environment_id" {
  value = data.confluent_environment.this.id
}

output "environment_name" {
  value = data.confluent_environment.this.display_name
}

output "kafka_cluster_id" {
  value = data.confluent_kafka_cluster.this.id
}

output "kafka_cluster_name" {
  value = data.confluent_kafka_cluster.this.display_name
}

output "kafka_bootstrap_endpoint" {
  value = trimprefix(data.confluent_kafka_cluster.this.bootstrap_endpoint, "SASL_SSL://")
}

output "schema_registry_id" {
  value = data.confluent_schema_registry_cluster.this.id
}

output "schema_registry_rest_endpoint" {
  value = data.confluent_schema_registry_cluster.this.rest_endpoint
}

output "discovery_agent_cluster_api_key" {
  value     = confluent_api_key.kafka.id
  sensitive = true
}

output "discovery_agent_cluster_api_secret" {
  value     = confluent_api_key.kafka.secret
  sensitive = true
}

output "discovery_agent_sr_api_key" {
  value     = confluent_api_key.schema_registry.id
  sensitive = true
}

output "discovery_agent_sr_api_secret" {
  value     = confluent_api_key.schema_registry.secret
  sensitive = true
}

output "discovery_agent_cloud_api_key" {
  value     = confluent_api_key.cloud.id
  sensitive = true
}

output "discovery_agent_cloud_api_secret" {
  value     = confluent_api_key.cloud.secret
  sensitive = true
}

output "parameter_path" {
  description = "The SSM path of the keys."
  value       = "/${var.name}"
}

output "trigger_topic_arn" {
  description = "Publish here to start a discovery."
  value       = aws_sns_topic.triggers.arn
}

output "trigger_queue_url" {
  value = aws_sqs_queue.triggers.url
}

output "trigger_queue_arn" {
  description = "For EventBridge rules whose names begin with this one's: they may send to the queue."
  value       = aws_sqs_queue.triggers.arn
}

output "trigger_dead_letter_queue_url" {
  value = aws_sqs_queue.dead_letters.url
}

output "bucket" {
  value = aws_s3_bucket.store.bucket
}

output "store" {
  description = "The value of MESH_STORE."
  value       = "s3://${aws_s3_bucket.store.bucket}/${var.store_prefix}"
}

output "runner_role_arn" {
  value = aws_iam_role.runner.arn
}
