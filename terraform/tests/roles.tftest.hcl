# What the agent may do: these roles and no others.

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

run "a_cluster_with_roles" {
  command = plan

  assert {
    condition = toset([
      for binding in confluent_role_binding.discovery_agent :
      "${binding.role_name} ${trimprefix(binding.crn_pattern, "crn://confluent.cloud/organization=1111aaaa-11aa-11aa-11aa-111111aaaaaa")}"
      ]) == toset([
      "MetricsViewer ",
      "Operator /environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3",
      "DeveloperRead /environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3/connector=*",
      "DeveloperRead /environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3/kafka=lkc-nd1ng3/group=*",
      "DeveloperRead /environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3/kafka=lkc-nd1ng3/topic=discovery-events",
      "DeveloperWrite /environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3/kafka=lkc-nd1ng3/topic=discovery-events",
      "DeveloperWrite /environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3/kafka=lkc-nd1ng3/topic=discovery-changes",
      "DeveloperWrite /environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3/kafka=lkc-nd1ng3/transactional-id=mesh-assets-*",
      "DeveloperRead /environment=env-7zpqx1/schema-registry=lsrc-8wrx70/subject=*",
      "DeveloperWrite /environment=env-7zpqx1/schema-registry=lsrc-8wrx70/subject=discovery-events-value",
      "DeveloperWrite /environment=env-7zpqx1/schema-registry=lsrc-8wrx70/subject=discovery-changes-value",
    ])
    error_message = "The roles are not those of docs/terraform.md."
  }

  assert {
    condition     = alltrue([for binding in confluent_role_binding.discovery_agent : binding.principal == "User:sa-abc123"])
    error_message = "A role is not bound to the agent."
  }

  assert {
    condition     = length(confluent_kafka_acl.discovery_agent) == 0
    error_message = "ACLs are for Basic clusters only."
  }
}

run "profiling" {
  command = plan

  variables {
    enable_profiling = true
    profiled_topics  = ["orders", "pizza_*"]
  }

  assert {
    condition = toset([
      for binding in confluent_role_binding.discovery_agent : split("topic=", binding.crn_pattern)[1]
      if binding.role_name == "DeveloperRead" && strcontains(binding.crn_pattern, "/topic=")
    ]) == toset(["discovery-events", "orders", "pizza_*"])
    error_message = "Not exactly the messages of profiled topics and snapshots are readable."
  }
}

run "a_whole_environment" {
  command = plan

  variables {
    see_environment = true
  }

  assert {
    condition = [for binding in confluent_role_binding.discovery_agent : binding.crn_pattern if binding.role_name == "Operator"] == [
      "crn://confluent.cloud/organization=1111aaaa-11aa-11aa-11aa-111111aaaaaa/environment=env-7zpqx1"
    ]
    error_message = "The agent does not see the environment."
  }
}

run "named_connectors" {
  command = plan

  variables {
    connectors = ["DatagenSourceConnector_users"]
  }

  assert {
    condition = [
      for binding in confluent_role_binding.discovery_agent : split("connector=", binding.crn_pattern)[1]
      if strcontains(binding.crn_pattern, "/connector=")
    ] == ["DatagenSourceConnector_users"]
    error_message = "Configs of connectors that were not named are readable."
  }
}

run "a_basic_cluster" {
  command = plan

  variables {
    basic_cluster    = true
    enable_profiling = true
    profiled_topics  = ["orders", "pizza_*"]
  }

  assert {
    condition = toset([for binding in confluent_role_binding.discovery_agent : binding.role_name]) == toset([
      "Operator", "MetricsViewer", "DeveloperRead", "DeveloperWrite"
    ])
    error_message = "The roles are not those of docs/terraform.md."
  }

  assert {
    condition = alltrue([
      for binding in confluent_role_binding.discovery_agent :
      !strcontains(binding.crn_pattern, "/kafka=") && !strcontains(binding.crn_pattern, "/connector=")
    ])
    error_message = "A Basic cluster has no roles for topics, groups and connectors."
  }

  assert {
    condition = toset([
      for acl in confluent_kafka_acl.discovery_agent :
      "${acl.permission} ${acl.principal} ${acl.operation} ${acl.resource_type} ${acl.pattern_type} ${acl.resource_name}"
      ]) == toset([
      "ALLOW User:sa-abc123 DESCRIBE CLUSTER LITERAL kafka-cluster",
      "ALLOW User:sa-abc123 DESCRIBE_CONFIGS CLUSTER LITERAL kafka-cluster",
      "ALLOW User:sa-abc123 DESCRIBE TOPIC LITERAL *",
      "ALLOW User:sa-abc123 DESCRIBE_CONFIGS TOPIC LITERAL *",
      "ALLOW User:sa-abc123 DESCRIBE GROUP LITERAL *",
      "ALLOW User:sa-abc123 WRITE TOPIC LITERAL discovery-events",
      "ALLOW User:sa-abc123 WRITE TOPIC LITERAL discovery-changes",
      "ALLOW User:sa-abc123 WRITE TRANSACTIONAL_ID PREFIXED mesh-assets-",
      "ALLOW User:sa-abc123 READ TOPIC LITERAL discovery-events",
      "ALLOW User:sa-abc123 READ TOPIC LITERAL orders",
      "ALLOW User:sa-abc123 READ TOPIC PREFIXED pizza_",
    ])
    error_message = "The ACLs are not those of docs/terraform.md."
  }
}

run "no_key_to_make_topics_with" {
  command = plan

  variables {
    kafka_admin_api_key = null
  }

  expect_failures = [var.create_topics]
}
