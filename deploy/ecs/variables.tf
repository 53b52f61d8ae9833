variable "name" {
  description = "What everything made here is called. EventBridge's rules are called so too, and terraform/ admits those of its own name to the queue."
  type        = string
  default     = "discovery-agent"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name holds 2 to 31 lower-case letters, digits and hyphens and begins with a letter."
  }
}

variable "image" {
  description = "The image made in deploy/ecs/image, with its tag or digest: mesh-assets with your estate in it."
  type        = string

  validation {
    condition     = can(regex("(:[^/:]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image ends in a tag other than latest, or in a digest: runs take the image that the code server had when it started."
  }
}

variable "vpc_id" {
  description = "The VPC from which Kafka can be reached."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets with a way to ECR, CloudWatch, S3, SQS and Kafka: a NAT gateway, or endpoints."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids is empty: name at least one subnet."
  }
}

variable "runner_role_name" {
  description = "The role that terraform/ makes for whatever discovers: the end of its output runner_role_arn."
  type        = string
}

variable "store" {
  description = "MESH_STORE: the output store of terraform/."
  type        = string

  validation {
    condition     = can(regex("^s3://[^/]+/.+", var.store))
    error_message = "store is like s3://bucket/prefix: tasks share nothing else."
  }
}

variable "trigger_queue_arn" {
  description = "The trigger queue of terraform/, to which EventBridge passes on what it hears of MSK and Glue."
  type        = string
}

variable "postgres" {
  description = "Dagster's database. password_arn: of a secret of Secrets Manager that is the password, or of an SSM parameter; security_group_id: the database's own."
  type = object({
    host              = string
    port              = optional(number, 5432)
    username          = optional(string, "mesh_assets")
    database          = optional(string, "dagster")
    password_arn      = string
    security_group_id = string
  })
}

variable "token_hashes" {
  description = "ARNs of secrets or SSM parameters with the SHA-256 of bearer tokens: of the MCP server and of the service."
  type = object({
    mcp     = string
    service = string
  })
}

variable "secret_kms_key_arns" {
  description = "The KMS keys of your own under which password_arn and token_hashes are encrypted."
  type        = set(string)
  default     = []
}

variable "environment" {
  description = "Further environment variables of whoever reads the estate. Nothing secret: the estate names secrets by ssm: and secretsmanager:."
  type        = map(string)
  default     = {}
}

variable "mcp_allowed_hosts" {
  description = "By which names agents reach the MCP server: requests for any other host are refused."
  type        = list(string)

  validation {
    condition     = length(var.mcp_allowed_hosts) > 0
    error_message = "mcp_allowed_hosts is empty: name the host of the load balancer."
  }
}

variable "target_group_arns" {
  description = "Target groups (type ip) of a load balancer of yours, by service: webserver, mcp, service. Dagster's webserver has no login: put one before it."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for service in keys(var.target_group_arns) : contains(["webserver", "mcp", "service"], service)])
    error_message = "target_group_arns is by service: webserver, mcp, service."
  }
}

variable "client_security_group_ids" {
  description = "Who may connect to webserver, MCP server and service: the load balancer's security group."
  type        = set(string)
  default     = []
}

variable "sizes" {
  description = "CPU units and MiB of each service and of a run, among those that Fargate has. docs/deployment.md has figures."
  type        = map(object({ cpu = number, memory = number }))
  default = {
    code      = { cpu = 512, memory = 2048 }
    daemon    = { cpu = 256, memory = 1024 }
    webserver = { cpu = 256, memory = 1024 }
    mcp       = { cpu = 256, memory = 1024 }
    service   = { cpu = 256, memory = 1024 }
    run       = { cpu = 512, memory = 2048 }
  }

  validation {
    condition     = toset(keys(var.sizes)) == toset(["code", "daemon", "webserver", "mcp", "service", "run"])
    error_message = "sizes names code, daemon, webserver, mcp, service and run, and nothing else."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps what tasks print."
  type        = number
  default     = 30
}
