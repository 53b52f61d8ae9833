# The two event topics. The agent may write to them, not create them.

resource "confluent_kafka_topic" "discovery_events" {
  count    = var.create_topics ? 1 : 0
  provider = confluent.kafka

  topic_name       = local.events_topic
  partitions_count = 1

  config = {
    "cleanup.policy" = "compact"
    # A compacted topic's newest segment is never compacted, so it must roll: after 4 h, or with the compaction lag of 6 h, whichever is
    # sooner. Confluent Cloud allows no less of either.
    "segment.ms"            = "14400000"
    "max.compaction.lag.ms" = "21600000"
    "max.message.bytes"     = "8388608"
  }
}

resource "confluent_kafka_topic" "discovery_changes" {
  count    = var.create_topics ? 1 : 0
  provider = confluent.kafka

  topic_name       = local.changes_topic
  partitions_count = 1

  config = {
    "cleanup.policy"    = "delete"
    "retention.ms"      = "2592000000" # 30 days
    "max.message.bytes" = "8388608"
  }
}
