# The store, the triggers and the role of the runner.

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

run "the_store_is_private_encrypted_and_versioned" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.store.block_public_acls,
      aws_s3_bucket_public_access_block.store.block_public_policy,
      aws_s3_bucket_public_access_block.store.ignore_public_acls,
      aws_s3_bucket_public_access_block.store.restrict_public_buckets,
    ])
    error_message = "The bucket can be made public."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.store.versioning_configuration).status == "Enabled"
    error_message = "The bucket is not versioned."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_server_side_encryption_configuration.store.rule :
      one(rule.apply_server_side_encryption_by_default).sse_algorithm
    ] == ["AES256"]
    error_message = "The bucket is not encrypted."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.store.rule : one(rule.filter).prefix if one(rule.expiration).days != null] == ["mesh/steps/"]
    error_message = "Objects expire that a claim check may name."
  }
}

run "a_key_of_ones_own" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_server_side_encryption_configuration.store.rule :
      [one(rule.apply_server_side_encryption_by_default).sse_algorithm, one(rule.apply_server_side_encryption_by_default).kms_master_key_id]
    ] == [["aws:kms", "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"]]
    error_message = "The bucket is not encrypted with that key."
  }

  assert {
    condition     = contains([for statement in data.aws_iam_policy_document.runner.statement : statement.sid], "Encryption")
    error_message = "The runner may not use the key."
  }
}

run "the_runner_can_read_exactly_these" {
  command = plan

  assert {
    condition = toset([for statement in data.aws_iam_policy_document.runner.statement : "${statement.sid}: ${join(", ", sort(statement.actions))}"]) == toset([
      "Keys: ssm:GetParameter, ssm:GetParameters",
      "Triggers: sqs:DeleteMessage, sqs:ReceiveMessage",
      "DeadLetters: sqs:SendMessage",
      "Store: s3:DeleteObject, s3:GetObject, s3:PutObject",
      "ListStore: s3:ListBucket",
    ])
    error_message = "The runner's rights differ from those in docs/terraform.md."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.runner.statement : !contains(statement.resources, "*")])
    error_message = "The runner may change every resource of a type."
  }
}

run "notifications" {
  command = plan

  variables {
    notifications_topic_arn = "arn:aws:sns:eu-central-1:123456789012:mesh-alerts"
  }

  assert {
    condition = [for statement in data.aws_iam_policy_document.runner.statement : statement.resources if statement.sid == "Notifications"] == [
      toset(["arn:aws:sns:eu-central-1:123456789012:mesh-alerts"])
    ]
    error_message = "The runner may not publish notifications."
  }
}

run "triggers" {
  command = plan

  assert {
    condition = flatten([
      for statement in data.aws_iam_policy_document.trigger_queue.statement : one(statement.condition).values if statement.sid == "FromRulesOfThisName"
    ]) == ["arn:aws:events:eu-central-1:123456789012:rule/discovery-agent-*"]
    error_message = "The queue accepts rules with other names."
  }

  assert {
    condition     = [aws_sns_topic.triggers.name, aws_sqs_queue.triggers.name, aws_sqs_queue.dead_letters.name] == ["discovery-agent-triggers", "discovery-agent-triggers", "discovery-agent-triggers-dlq"]
    error_message = "Topic and queues have other names."
  }

  assert {
    condition     = aws_sns_topic_subscription.triggers.protocol == "sqs" && aws_sns_topic_subscription.triggers.endpoint == aws_sqs_queue.triggers.arn
    error_message = "The queue is not subscribed to the topic."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.triggers.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letters.arn
    error_message = "Messages that keep failing have no dead letter queue."
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.trigger_queue.statement : [statement.sid, one(statement.condition).variable]
    ] == [["FromTheTopic", "aws:SourceArn"], ["FromRulesOfThisName", "aws:SourceArn"], ["OnlyEncrypted", "aws:SecureTransport"]]
    error_message = "Not only the topic may write to the queue."
  }
}

run "clusters_are_listed_where_it_is_asked_for" {
  command = plan

  variables {
    find_msk_clusters = true
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.runner.statement : statement.actions if statement.sid == "FindClusters"
    ] == [toset(["kafka:ListClustersV2"])]
    error_message = "find_msk_clusters does not let the runner list clusters."
  }
}

run "event_source_mappings_are_asked_for" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.esm) == 0
    error_message = "The runner may create mappings without enable_esm."
  }

  assert {
    condition     = !contains([for statement in data.aws_iam_policy_document.runner.statement : statement.sid], "FindClusters")
    error_message = "The runner may list clusters without find_msk_clusters."
  }
}

run "event_source_mappings_without_names" {
  command = plan

  variables {
    enable_esm = true
  }

  assert {
    condition     = length(aws_iam_role_policy.esm) == 1
    error_message = "enable_esm gives the runner nothing."
  }

  assert {
    condition     = toset([for statement in data.aws_iam_policy_document.esm.statement : statement.sid]) == toset(["ReadMappings", "ChangeMappings", "TagMappings"])
    error_message = "The runner may extend roles, read secrets or write records that were not named."
  }

  assert {
    condition = alltrue([
      for action in one([for statement in data.aws_iam_policy_document.esm.statement : statement.actions if statement.sid == "ReadMappings"]) :
      can(regex(":(Get|List|Describe|Simulate)", action))
    ])
    error_message = "Something beyond reading is allowed on everything."
  }
}

run "event_source_mappings_with_names" {
  command = plan

  variables {
    enable_esm          = true
    esm_function_arns   = ["arn:aws:lambda:eu-central-1:123456789012:function:orders-*"]
    esm_role_arns       = ["arn:aws:iam::123456789012:role/lambda/*"]
    esm_secret_arns     = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_*"]
    esm_filter_key_arns = ["arn:aws:kms:eu-central-1:123456789012:key/f11735"]
    esm_kafka_arns      = ["arn:aws:kafka:eu-central-1:123456789012:*/orders/*"]
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.esm.statement : statement.sid => statement.resources if statement.sid != "ReadMappings"
      } == {
      ChangeMappings = toset(["*"])
      TagMappings    = toset(["arn:aws:lambda:*:123456789012:event-source-mapping:*"])
      ExtendRoles    = toset(["arn:aws:iam::123456789012:role/lambda/*"])
      ReadSecrets    = toset(["arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_*"])
      DecryptSecrets = toset(["*"])
      FilterKeys     = toset(["arn:aws:kms:eu-central-1:123456789012:key/f11735"])
      ProveByIam     = toset(["arn:aws:kafka:eu-central-1:123456789012:*/orders/*"])
    }
    error_message = "The runner may do more than what was named."
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.esm.statement : statement.sid => join(", ", one(statement.condition).values) if length(statement.condition) > 0
      } == {
      ChangeMappings = "arn:aws:lambda:eu-central-1:123456789012:function:orders-*"
      DecryptSecrets = "secretsmanager.eu-central-1.amazonaws.com"
      FilterKeys     = "lambda.eu-central-1.amazonaws.com"
    }
    error_message = "Mappings of other functions may be changed, or keys used for something other than secrets."
  }
}

run "no_role_of_any_name" {
  command = plan

  variables {
    enable_esm    = true
    esm_role_arns = ["arn:aws:iam::123456789012:role/*"]
  }

  expect_failures = [var.esm_role_arns]
}
