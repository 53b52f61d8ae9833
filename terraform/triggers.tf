# What starts discoveries from outside: a topic to publish to, the queue that the runner reads, and a dead letter queue.

# Without a KMS key: CloudWatch's alarms cannot publish to a topic under AWS's own key, and a trigger holds no secret.
resource "aws_sns_topic" "triggers" {
  name = "${var.name}-triggers"
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-triggers-dlq"
  message_retention_seconds = 1209600 # 14 days, SQS's maximum
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "triggers" {
  name                      = "${var.name}-triggers"
  message_retention_seconds = 1209600
  receive_wait_time_seconds = 20
  sqs_managed_sse_enabled   = true

  # The runner itself moves what it cannot understand. What it cannot keep (store unreachable, new cluster) must come again: every
  # 5 minutes, for a day.
  visibility_timeout_seconds = 300
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 288
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.triggers.arn]
  })
}

resource "aws_sns_topic_subscription" "triggers" {
  topic_arn = aws_sns_topic.triggers.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.triggers.arn
}

data "aws_iam_policy_document" "trigger_topic" {
  dynamic "statement" {
    for_each = length(var.trigger_services) > 0 ? [var.trigger_services] : []

    content {
      sid       = "ServicesOfThisAccount"
      actions   = ["sns:Publish"]
      resources = [aws_sns_topic.triggers.arn]

      principals {
        type        = "Service"
        identifiers = statement.value
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [data.aws_caller_identity.this.account_id]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.trigger_publishers) > 0 ? [var.trigger_publishers] : []

    content {
      sid       = "Others"
      actions   = ["sns:Publish"]
      resources = [aws_sns_topic.triggers.arn]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }

  statement {
    sid       = "OnlyEncrypted"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.triggers.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "triggers" {
  arn    = aws_sns_topic.triggers.arn
  policy = data.aws_iam_policy_document.trigger_topic.json
}

data "aws_iam_policy_document" "trigger_queue" {
  statement {
    sid       = "FromTheTopic"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.triggers.arn]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_sns_topic.triggers.arn]
    }
  }

  # Rules created by deploy/ecs or by you: events of MSK and Glue (docs/triggers.md).
  statement {
    sid       = "FromRulesOfThisName"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.triggers.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:events:${data.aws_region.this.region}:${data.aws_caller_identity.this.account_id}:rule/${var.name}-*"]
    }
  }

  statement {
    sid       = "OnlyEncrypted"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.triggers.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "triggers" {
  queue_url = aws_sqs_queue.triggers.id
  policy    = data.aws_iam_policy_document.trigger_queue.json
}
