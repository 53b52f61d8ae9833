# Services, roles and rules, without AWS.

mock_provider "aws" {
  source          = "./tests/mocks/aws"
  override_during = plan
}

variables {
  image             = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mesh-estate:2026-11-29"
  vpc_id            = "vpc-0123456789abcdef0"
  subnet_ids        = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  runner_role_name  = "discovery-agent-runner"
  store             = "s3://discovery-agent-123456789012-eu-central-1/mesh"
  trigger_queue_arn = "arn:aws:sqs:eu-central-1:123456789012:discovery-agent-triggers"
  mcp_allowed_hosts = ["mesh.example.com"]

  postgres = {
    host              = "mesh.abcdefghijkl.eu-central-1.rds.amazonaws.com"
    password_arn      = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mesh-postgres-AbCdEf"
    security_group_id = "sg-0fedcba9876543210"
  }

  token_hashes = {
    mcp     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mesh-mcp-AbCdEf"
    service = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mesh-service-AbCdEf"
  }
}

run "every_task_is_read_only_and_nobody_is_root" {
  command = plan

  assert {
    condition     = toset(keys(aws_ecs_service.this)) == toset(["code", "daemon", "webserver", "mcp", "service"])
    error_message = "A role is missing."
  }

  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.this :
      one(jsondecode(definition.container_definitions)).readonlyRootFilesystem
      && one(jsondecode(definition.container_definitions)).user == "10001:10001"
      && one(jsondecode(definition.container_definitions)).linuxParameters.capabilities.drop == ["ALL"]
    ])
    error_message = "A container's root is writable, or it runs as root."
  }
}

run "secrets_are_named_and_never_in_a_task_definition" {
  command = plan

  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.this :
      !strcontains(join(" ", one(jsondecode(definition.container_definitions)).environment[*].name), "PASSWORD")
      && alltrue([for secret in one(jsondecode(definition.container_definitions)).secrets : startswith(secret.valueFrom, "arn:")])
    ])
    error_message = "A secret is in clear text."
  }

  assert {
    condition     = toset(data.aws_iam_policy_document.execution.statement[3].resources) == toset([var.postgres.password_arn, var.token_hashes.mcp, var.token_hashes.service])
    error_message = "Tasks may read other secrets."
  }
}

run "kafka_is_for_those_who_have_the_runners_role" {
  command = plan

  assert {
    condition     = toset([for name, definition in aws_ecs_task_definition.this : name if definition.task_role_arn == "arn:aws:iam::123456789012:role/discovery-agent-runner"]) == toset(["code", "mcp", "service"])
    error_message = "The runner's role is not where it belongs."
  }

  assert {
    condition     = !anytrue([for statement in data.aws_iam_policy_document.dagster.statement : anytrue([for action in statement.actions : strcontains(action, "*")])])
    error_message = "Dagster's role allows actions by prefix."
  }

  assert {
    condition     = toset(data.aws_iam_policy_document.dagster.statement[4].resources) == toset(["arn:aws:iam::123456789012:role/discovery-agent-runner", aws_iam_role.execution.arn])
    error_message = "Dagster may pass on other roles."
  }
}

run "the_webserver_reads_logs_under_the_stores_key" {
  command = plan

  variables {
    store_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/0b7c2f00-0000-4000-8000-000000000000"
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.dagster.statement : statement.resources if contains(statement.actions, "kms:Decrypt")
    ] == [toset([var.store_kms_key_arn])]
    error_message = "S3 refuses objects under a key that the reader may not use."
  }
}

run "a_run_has_the_runners_role_the_estate_and_its_size" {
  command = plan

  variables {
    environment = { AWS_MAX_ATTEMPTS = "5" }
  }

  assert {
    condition = jsondecode(one([
      for variable in one(jsondecode(aws_ecs_task_definition.this["code"].container_definitions)).environment : variable.value
      if variable.name == "DAGSTER_CONTAINER_CONTEXT"
      ])) == {
      ecs = {
        task_role_arn = "arn:aws:iam::123456789012:role/discovery-agent-runner"
        env_vars      = ["AWS_MAX_ATTEMPTS=5", "MESH_ESTATE=/etc/mesh-assets/estate.yaml", "MESH_STORE=s3://discovery-agent-123456789012-eu-central-1/mesh"]
        run_resources = { cpu = "512", memory = "2048" }
      }
    }
    error_message = "Runs would have a different role, estate or size."
  }
}

run "there_is_never_a_second_daemon" {
  command = plan

  assert {
    condition     = aws_ecs_service.this["daemon"].deployment_maximum_percent == 100 && aws_ecs_service.this["daemon"].desired_count == 1
    error_message = "Two daemons would launch what is due twice."
  }
}

run "only_who_is_named_may_connect" {
  command = plan

  variables {
    client_security_group_ids = ["sg-00000000000000001"]
    target_group_arns         = { mcp = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/mcp/0123456789abcdef" }
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.clients : rule.from_port]) == toset([3000, 8000, 8080])
    error_message = "The load balancer does not reach all three."
  }

  assert {
    condition     = [for name, service in aws_ecs_service.this : name if length(service.load_balancer) > 0] == ["mcp"]
    error_message = "A service is behind a load balancer that was not named for it."
  }
}

run "what_eventbridge_hears_goes_into_the_queue" {
  command = plan

  assert {
    condition     = toset([for target in aws_cloudwatch_event_target.queue : target.arn]) == toset([var.trigger_queue_arn])
    error_message = "Events go elsewhere."
  }

  assert {
    condition     = toset([for rule in aws_cloudwatch_event_rule.this : rule.name]) == toset(["discovery-agent-msk", "discovery-agent-health", "discovery-agent-glue"])
    error_message = "The queue accepts only rules with these names."
  }
}

run "an_image_that_changes_under_its_name_is_refused" {
  command = plan

  variables {
    image = "mesh-estate:latest"
  }

  expect_failures = [var.image]
}
