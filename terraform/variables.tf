variable "environment_id" {
  description = "The existing Confluent Cloud environment, for example env-7zpqx1."
  type        = string

  validation {
    condition     = startswith(var.environment_id, "env-")
    error_message = "environment_id must be the environment's id, which begins with env-."
  }
}

variable "kafka_cluster_id" {
  description = "The existing Kafka cluster, for example lkc-nd1ng3."
  type        = string

  validation {
    condition     = startswith(var.kafka_cluster_id, "lkc-")
    error_message = "kafka_cluster_id must be the cluster's id, which begins with lkc-."
  }
}

variable "schema_registry_id" {
  description = "The environment's Schema Registry, for example lsrc-8wrx70."
  type        = string

  validation {
    condition     = startswith(var.schema_registry_id, "lsrc-")
    error_message = "schema_registry_id must be the registry's id, which begins with lsrc-."
  }
}

variable "name" {
  description = "The name of everything created here. Give a second cluster another one: names are unique in an organization and an account."
  type        = string
  default     = "discovery-agent"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name holds 2 to 31 lower-case letters, digits and hyphens and begins with a letter: it becomes part of a bucket's name."
  }
}

variable "basic_cluster" {
  description = "Whether the cluster is a Basic one. These have no roles for topics, groups and connectors: ACLs replace them."
  type        = bool
  default     = false
}

variable "see_environment" {
  description = "Whether the agent may describe everything in the environment, not just the cluster: for `configure --confluent-environment` with its key."
  type        = bool
  default     = false
}

variable "enable_profiling" {
  description = "Whether the agent may read messages, which profiling and samples need. Nothing else does."
  type        = bool
  default     = false
}

variable "profiled_topics" {
  description = "The topics whose messages may be read with enable_profiling: names, or prefixes that end in *. Name them in the estate's allow_message_reading, too."
  type        = set(string)
  default     = ["*"]
}

variable "connectors" {
  description = "The connectors whose configs may be read: names, or *."
  type        = set(string)
  default     = ["*"]
}

variable "create_topics" {
  description = "Whether Terraform creates discovery-events and discovery-changes. If not, create them before the first discovery: the agent may not."
  type        = bool
  default     = true

  validation {
    condition     = !var.create_topics || var.kafka_admin_api_key != null
    error_message = "Creating the topics needs kafka_admin_api_key and kafka_admin_api_secret; or set create_topics = false and create them yourself."
  }
}

variable "kafka_admin_api_key" {
  description = "A Kafka key of the cluster that may create topics (and on a Basic cluster ACLs). Used while Terraform runs, stored nowhere."
  type        = string
  default     = null
  ephemeral   = true
}

variable "kafka_admin_api_secret" {
  description = "The secret of kafka_admin_api_key."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true
}

variable "bucket_name" {
  description = "The bucket of the store. Default: the name, the account and the region, which makes it globally unique."
  type        = string
  default     = null
}

variable "store_prefix" {
  description = "The prefix of the inventories in the bucket."
  type        = string
  default     = "mesh"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]$", var.store_prefix))
    error_message = "store_prefix must be like mesh or team/mesh: letters, digits and . _ - /, without a slash at either end."
  }
}

variable "kms_key_arn" {
  description = "A KMS key for the parameters and the bucket. Default: AWS's own keys."
  type        = string
  default     = null
}

variable "trigger_services" {
  description = "The AWS services that may publish to the trigger topic from this account."
  type        = set(string)
  default     = ["cloudwatch.amazonaws.com"]
}

variable "trigger_publishers" {
  description = "ARNs of other accounts, roles or users that may publish to the trigger topic. Those of this account need their own sns:Publish."
  type        = set(string)
  default     = []
}

variable "notifications_topic_arn" {
  description = "The SNS topic named in the estate's notifications, if any: the runner may then publish there."
  type        = string
  default     = null
}

variable "find_msk_clusters" {
  description = "Whether the runner may list the account's MSK clusters, which rules of the estate's `found` need (docs/estate.md)."
  type        = bool
  default     = false
}

variable "enable_esm" {
  description = "Whether the runner may read, plan, create and change event source mappings: docs/esm.md lists the actions."
  type        = bool
  default     = false
}

variable "esm_function_arns" {
  description = "The functions whose mappings the runner may create and change, with enable_esm: ARNs, with * as a wildcard. Default: any in the account."
  type        = set(string)
  default     = ["*"]
}

variable "esm_role_arns" {
  description = "The execution roles that the runner may create and extend, with enable_esm: ARNs, with * as a wildcard. Without any, a plan shows the policy to hand on."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.esm_role_arns : can(regex("^arn:[^:]+:iam::[0-9]{12}:role/[^*]", arn))])
    error_message = "esm_role_arns must be like arn:aws:iam::123456789012:role/lambda/*, never every role: extending any role means being able to do anything."
  }
}

variable "esm_secret_arns" {
  description = "The secrets that the runner may present to brokers (esm connection, produce, validate), with enable_esm: ARNs, with * as a wildcard."
  type        = set(string)
  default     = []
}

variable "esm_filter_key_arns" {
  description = "The KMS keys with which the runner may read and write mappings' filters, with enable_esm: ARNs, with * as a wildcard."
  type        = set(string)
  default     = []
}

variable "esm_kafka_arns" {
  description = "The MSK clusters, topics and groups on which the runner may prove mappings by IAM (esm connection, produce, validate), with enable_esm: ARNs, with * as a wildcard."
  type        = set(string)
  default     = []
}

variable "runner_assume_role_policy" {
  description = "JSON: who may assume the runner's role. Default: ECS tasks in this account."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything created in AWS."
  type        = map(string)
  default     = {}
}
