variable "name" {
  description = "The name of everything created here, including EventBridge's rules: terraform/ lets those with its own name send to the queue."
  type        = string
  default     = "discovery-agent"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name holds 2 to 31 lower-case letters, digits and hyphens and begins with a letter."
  }
}

variable "image" {
  description = "The image built in deploy/ecs/image, with its tag or digest: mesh-assets with your estate in it."
  type        = string

  validation {
    condition     = can(regex("(:[^/:]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image must end in a tag other than latest or in a digest: runs use the image that the code server started with."
  }
}

variable "vpc_id" {
  description = "The VPC from which Kafka can be reached."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets with access to ECR, CloudWatch, S3, SQS and Kafka: a NAT gateway, or endpoints."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids is empty: name at least one subnet."
  }
}

variable "runner_role_name" {
  description = "The role that terraform/ creates for discoveries: the end of its output runner_role_arn."
  type        = string
}

variable "store" {
  description = "MESH_STORE: the output store of terraform/."
  type        = string

  validation {
    condition     = can(regex("^s3://[^/]+/.+", var.store))
    error_message = "store must be like s3://bucket/prefix: tasks share nothing else."
  }
}

variable "store_kms_key_arn" {
  description = "The KMS key that encrypts the store's bucket: kms_key_arn of terraform/, if it has one. The webserver reads the logs of runs there."
  type        = string
  default     = null
}

variable "trigger_queue_arn" {
  description = "The trigger queue of terraform/, to which EventBridge forwards events of MSK and Glue."
  type        = string
}

variable "postgres" {
  description = "Dagster's database. password_arn: a Secrets Manager secret that is the password, or an SSM parameter; security_group_id: the database's own."
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
  description = "ARNs of secrets or SSM parameters with the SHA-256 of bearer tokens, for the MCP server and for the service."
  type = object({
    mcp     = string
    service = string
  })
}

variable "secret_kms_key_arns" {
  description = "Your own KMS keys that encrypt password_arn and token_hashes."
  type        = set(string)
  default     = []
}

variable "environment" {
  description = "Further environment variables for services that read the estate. Nothing secret: the estate names secrets by ssm: and secretsmanager:."
  type        = map(string)
  default     = {}
}

variable "mcp_allowed_hosts" {
  description = "The host names by which agents reach the MCP server: requests for any other host are refused."
  type        = list(string)

  validation {
    condition     = length(var.mcp_allowed_hosts) > 0
    error_message = "mcp_allowed_hosts is empty: name the host of the load balancer."
  }
}

variable "target_group_arns" {
  description = "Target groups (type ip) of your load balancer, by service: webserver, mcp, service. Dagster's webserver has no login: put one in front of it."
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
  description = "CPU units and MiB of each service and of a run, from those that Fargate supports. docs/deployment.md has figures."
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
  description = "How long CloudWatch keeps the output of tasks."
  type        = number
  default     = 30
}
