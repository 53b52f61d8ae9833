data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

locals {
  partition  = split(":", data.aws_caller_identity.this.arn)[1]
  account    = data.aws_caller_identity.this.account_id
  region     = data.aws_region.this.region
  runner_arn = "arn:${local.partition}:iam::${local.account}:role/${var.runner_role_name}"
  bucket     = split("/", var.store)[2]
}
