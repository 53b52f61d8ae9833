# The role that runs discoveries in AWS: it can do this and nothing else.

data "aws_iam_policy_document" "runner_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "runner" {
  name               = "${var.name}-runner"
  description        = "Mesh Assets: the keys of ${var.kafka_cluster_id}, the triggers, the store"
  assume_role_policy = coalesce(var.runner_assume_role_policy, data.aws_iam_policy_document.runner_trust.json)
}

data "aws_iam_policy_document" "runner" {
  statement {
    sid       = "Keys"
    actions   = ["ssm:GetParameter", "ssm:GetParameters"]
    resources = [for parameter in aws_ssm_parameter.discovery_agent : parameter.arn]
  }

  statement {
    sid       = "Triggers"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = [aws_sqs_queue.triggers.arn]
  }

  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
  }

  statement {
    sid       = "Store"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.store.arn}/${var.store_prefix}/*"]
  }

  # Without a condition on the prefix: with one, S3 answers 403 instead of 404 for a missing object.
  statement {
    sid       = "ListStore"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.store.arn]
  }

  # Listing supports no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmanagedstreamingforapachekafka.html
  dynamic "statement" {
    for_each = var.find_msk_clusters ? ["kafka:ListClustersV2"] : []

    content {
      sid       = "FindClusters"
      actions   = ["kafka:ListClustersV2"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = var.notifications_topic_arn == null ? [] : [var.notifications_topic_arn]

    content {
      sid       = "Notifications"
      actions   = ["sns:Publish"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "Encryption"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "runner" {
  name   = "discovery"
  role   = aws_iam_role.runner.id
  policy = data.aws_iam_policy_document.runner.json
}

locals {
  partition = split(":", data.aws_caller_identity.this.arn)[1]
}

# What `mesh-assets esm` and the asset esm/event_source_mappings need, with enable_esm: docs/esm.md lists it by command. Reading goes
# to every resource, since the functions, clusters, secrets and destinations of mappings are not known in advance. Everything that
# grants rights, reads secrets or writes records needs a name.

data "aws_iam_policy_document" "esm" {
  statement {
    sid = "ReadMappings"
    actions = [
      "cloudwatch:GetMetricData",
      "glue:GetSchemaVersion",
      "iam:GetPolicy",
      "iam:GetPolicyVersion",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListRolePolicies",
      "iam:SimulatePrincipalPolicy",
      "kafka:DescribeClusterV2",
      "kafka:DescribeVpcConnection",
      "kafka:GetBootstrapBrokers",
      "kafka:ListVpcConnections",
      "kms:DescribeKey",
      "lambda:GetEventSourceMapping",
      "lambda:GetFunctionConfiguration",
      "lambda:ListEventSourceMappings",
      "s3:GetEncryptionConfiguration",
      "secretsmanager:DescribeSecret",
      "sns:GetTopicAttributes",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sts:GetCallerIdentity",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "ChangeMappings"
    actions   = ["lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:DeleteEventSourceMapping"]
    resources = ["*"]

    condition {
      test     = "ArnLike"
      variable = "lambda:FunctionArn"
      values   = var.esm_function_arns
    }
  }

  # To tag a mapping at its creation.
  statement {
    sid       = "TagMappings"
    actions   = ["lambda:TagResource"]
    resources = ["arn:${local.partition}:lambda:*:${data.aws_caller_identity.this.account_id}:event-source-mapping:*"]
  }

  dynamic "statement" {
    for_each = length(var.esm_role_arns) == 0 ? [] : [var.esm_role_arns]

    content {
      sid       = "ExtendRoles"
      actions   = ["iam:CreateRole", "iam:PutRolePolicy"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.esm_secret_arns) == 0 ? [] : [var.esm_secret_arns]

    content {
      sid       = "ReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.esm_secret_arns) == 0 ? [] : ["secretsmanager.${data.aws_region.this.region}.amazonaws.com"]

    content {
      sid       = "DecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = ["*"]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = [statement.value]
      }
    }
  }

  # Lambda encrypts and shows filters under a customer key with the caller's rights.
  dynamic "statement" {
    for_each = length(var.esm_filter_key_arns) == 0 ? [] : [var.esm_filter_key_arns]

    content {
      sid       = "FilterKeys"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["lambda.${data.aws_region.this.region}.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.esm_kafka_arns) == 0 ? [] : [var.esm_kafka_arns]

    content {
      sid = "ProveByIam"
      actions = [
        "kafka-cluster:Connect",
        "kafka-cluster:DescribeCluster",
        "kafka-cluster:DescribeGroup",
        "kafka-cluster:DescribeTopic",
        "kafka-cluster:WriteData",
        "kafka-cluster:WriteDataIdempotently",
      ]
      resources = statement.value
    }
  }
}

resource "aws_iam_role_policy" "esm" {
  count = var.enable_esm ? 1 : 0

  name   = "event-source-mappings"
  role   = aws_iam_role.runner.id
  policy = data.aws_iam_policy_document.esm.json
}
