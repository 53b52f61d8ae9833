output "cluster_arn" {
  value = aws_ecs_cluster.this.arn
}

output "security_group_id" {
  description = "The security group of all tasks: admit it where Kafka, registries and Connect are behind security groups."
  value       = aws_security_group.tasks.id
}

output "task_definition_arns" {
  value = { for name, definition in aws_ecs_task_definition.this : name => definition.arn }
}

output "log_group" {
  value = aws_cloudwatch_log_group.this.name
}
