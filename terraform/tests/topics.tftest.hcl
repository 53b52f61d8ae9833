# The topics of the events.

mock_provider "confluent" {
  source          = "./tests/mocks/confluent"
  override_during = plan
}

mock_provider "confluent" {
  alias           = "kafka"
  source          = "./tests/mocks/confluent"
  override_during = plan
}

mock_provider "aws" {
  source          = "./tests/mocks/aws"
  override_during = plan
}

variables {
  environment_id         = "env-7zpqx1"
  kafka_cluster_id       = "lkc-nd1ng3"
  schema_registry_id     = "lsrc-8wrx70"
  kafka_admin_api_key    = "ADMINADMINADMINA"
  kafka_admin_api_secret = "made-up"
}

run "topics" {
  command = plan

  assert {
    condition     = [for topic in confluent_kafka_topic.discovery_events : [topic.topic_name, topic.partitions_count]] == [["discovery-events", 1]]
    error_message = "The snapshots' topic is wrong."
  }

  assert {
    condition = confluent_kafka_topic.discovery_events[0].config == tomap({
      "cleanup.policy"        = "compact"
      "segment.ms"            = "14400000"
      "max.compaction.lag.ms" = "21600000"
      "max.message.bytes"     = "8388608"
    })
    error_message = "Snapshots must be compacted, which requires the newest segment to roll."
  }

  assert {
    condition     = confluent_kafka_topic.discovery_changes[0].config["cleanup.policy"] == "delete"
    error_message = "Compaction would lose all changes but a cluster's newest."
  }

  assert {
    condition = alltrue([
      for topic in [confluent_kafka_topic.discovery_events[0], confluent_kafka_topic.discovery_changes[0]] :
      length(topic.credentials) == 0 && length(topic.kafka_cluster) == 0
    ])
    error_message = "Credentials in a resource end up in the state; they belong in the provider's block."
  }
}

run "topics_made_by_others" {
  command = plan

  variables {
    create_topics       = false
    kafka_admin_api_key = null
  }

  assert {
    condition     = length(confluent_kafka_topic.discovery_events) + length(confluent_kafka_topic.discovery_changes) == 0
    error_message = "Topics are created though create_topics is false."
  }
}
