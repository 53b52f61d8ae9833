# The role of whatever runs discoveries in AWS: it can do this and nothing else.

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

  # Without a condition on the prefix: with one, S3 answers 403 instead of 404 for an object that is not there.
  statement {
    sid       = "ListStore"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.store.arn]
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
