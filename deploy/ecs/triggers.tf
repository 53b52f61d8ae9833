# EventBridge's events go into the trigger queue of terraform/, where the sensor `trigger_queue` finds them (docs/triggers.md). Alarms and
# everyone else publish to the SNS topic that terraform/ creates.

locals {
  rules = {
    msk    = { "source" = ["aws.kafka"] }
    health = { "source" = ["aws.health"], "detail" = { "service" = ["KAFKA"] } }
    # A change of a schema in Glue, which CloudTrail reports; the account must have a trail.
    glue = {
      "source"      = ["aws.glue"]
      "detail-type" = ["AWS API Call via CloudTrail"]
      "detail" = {
        "eventSource" = ["glue.amazonaws.com"]
        "eventName"   = ["CreateSchema", "RegisterSchemaVersion", "UpdateSchema", "DeleteSchema", "DeleteSchemaVersions"]
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  name          = "${var.name}-${each.key}"
  description   = "Mesh Assets: reasons to discover"
  event_pattern = jsonencode(each.value)
}

resource "aws_cloudwatch_event_target" "queue" {
  for_each = local.rules

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "trigger-queue"
  arn       = var.trigger_queue_arn

  retry_policy {
    maximum_event_age_in_seconds = 3600 # by then, the schedule has long discovered it
    maximum_retry_attempts       = 60
  }
}
