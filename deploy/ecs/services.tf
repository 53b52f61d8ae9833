# One image, five roles. The daemon starts each run as a separate task.

locals {
  # For services that open Dagster's instance.
  dagster = {
    DAGSTER_HOME        = "/var/lib/mesh-assets"
    DAGSTER_PG_HOST     = var.postgres.host
    DAGSTER_PG_PORT     = tostring(var.postgres.port)
    DAGSTER_PG_USERNAME = var.postgres.username
    DAGSTER_PG_DB       = var.postgres.database
    MESH_LOG_BUCKET     = local.bucket
    MESH_RUN_PREFIX     = "${var.name}-run"
  }
  # For services that read the estate and the store.
  mesh = merge(var.environment, { MESH_ESTATE = "/etc/mesh-assets/estate.yaml", MESH_STORE = var.store })
  # What differs in a run from the daemon's task definition, which the launcher copies: log, read-only root, user, password and everything else.
  run = {
    ecs = {
      task_role_arn = local.runner_arn
      env_vars      = [for name, value in local.mesh : "${name}=${value}"]
      run_resources = { cpu = tostring(var.sizes["run"].cpu), memory = tostring(var.sizes["run"].memory) }
    }
  }
  database = { DAGSTER_PG_PASSWORD = var.postgres.password_arn }

  services = {
    code = {
      command     = ["dagster", "code-server", "start", "-h", "0.0.0.0", "-p", "4000", "--max-workers", "32", "-m", "mesh_assets.definitions"]
      port        = 4000
      environment = merge(local.dagster, local.mesh, { DAGSTER_CURRENT_IMAGE = var.image, DAGSTER_CONTAINER_CONTEXT = jsonencode(local.run) })
      secrets     = local.database
      role        = local.runner_arn
      # Not `dagster api grpc-health-check`, which takes ten times the CPU.
      health = "import grpc, sys; from grpc_health.v1 import health_pb2 as m, health_pb2_grpc as s; sys.exit(s.HealthStub(grpc.insecure_channel('127.0.0.1:4000')).Check(m.HealthCheckRequest(service='DagsterApi'), timeout=10).status != 1)"
    }
    daemon = {
      command     = ["dagster-daemon", "run", "-w", "/etc/mesh-assets/workspace.yaml"]
      port        = null
      environment = local.dagster
      secrets     = local.database
      role        = aws_iam_role.dagster.arn
      health      = null
    }
    webserver = {
      command     = ["dagster-webserver", "-h", "0.0.0.0", "-p", "3000", "-w", "/etc/mesh-assets/workspace.yaml"]
      port        = 3000
      environment = local.dagster
      secrets     = local.database
      role        = aws_iam_role.dagster.arn
      health      = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3000/server_info', timeout=10)"
    }
    mcp = {
      command = concat(
        ["mesh-assets", "mcp", "--transport", "streamable-http", "--host", "0.0.0.0", "--port", "8000", "--idle-timeout", "0"],
        flatten([for host in var.mcp_allowed_hosts : ["--allowed-host", host]]),
      )
      port        = 8000
      environment = local.mesh
      secrets     = { MESH_MCP_TOKEN_SHA256 = var.token_hashes.mcp }
      role        = local.runner_arn
      health      = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=10)"
    }
    service = {
      command     = ["mesh-assets", "serve", "--host", "0.0.0.0", "--port", "8080", "--launch", "dagster"]
      port        = 8080
      environment = local.mesh
      secrets     = { MESH_SERVICE_TOKEN_SHA256 = var.token_hashes.service }
      role        = local.runner_arn
      health      = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz?only=store', timeout=10)"
    }
  }
}

resource "aws_ecs_cluster" "this" {
  name = var.name
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.services

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.sizes[each.key].cpu
  memory                   = var.sizes[each.key].memory
  task_role_arn            = each.value.role
  execution_role_arn       = aws_iam_role.execution.arn

  # The writable paths beside a read-only root. The image declares both as volumes, so that they keep its permissions and files.
  volume {
    name = "tmp"
  }

  volume {
    name = "home"
  }

  container_definitions = jsonencode([{
    name                   = each.key
    image                  = var.image
    essential              = true
    command                = each.value.command
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    environment            = [for name, value in merge(each.value.environment, { HOME = "/tmp" }) : { name = name, value = value }]
    secrets                = [for name, arn in each.value.secrets : { name = name, valueFrom = arn }]
    portMappings           = each.value.port == null ? [] : [{ name = each.key, containerPort = each.value.port, protocol = "tcp" }]
    mountPoints            = [for name, path in { tmp = "/tmp", home = "/var/lib/mesh-assets" } : { sourceVolume = name, containerPath = path, readOnly = false }]
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    stopTimeout            = 60
    healthCheck            = each.value.health == null ? null : { command = ["CMD", "python", "-c", each.value.health], interval = 20, timeout = 20, retries = 3, startPeriod = 120 }
    logConfiguration = {
      logDriver = "awslogs"
      options   = { awslogs-group = aws_cloudwatch_log_group.this.name, awslogs-region = local.region, awslogs-stream-prefix = each.key }
    }
  }])
}

# Lets daemon and webserver find the code server as `code`.
resource "aws_service_discovery_http_namespace" "this" {
  name = var.name
}

resource "aws_ecs_service" "this" {
  for_each = local.services

  name            = each.key
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.this[each.key].arn
  desired_count   = 1
  launch_type     = "FARGATE"

  # There must never be two daemons, not even during a replacement: both would launch what is due.
  deployment_minimum_healthy_percent = each.key == "daemon" ? 0 : 100
  deployment_maximum_percent         = each.key == "daemon" ? 100 : 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.tasks.id]
  }

  service_connect_configuration {
    enabled   = true
    namespace = aws_service_discovery_http_namespace.this.arn

    dynamic "service" {
      for_each = each.key == "code" ? ["code"] : []

      content {
        port_name = service.value

        client_alias {
          dns_name = "code"
          port     = 4000
        }

        # A call to the code server lasts as long as a sensor's tick or a followed run.
        timeout {
          idle_timeout_seconds        = 0
          per_request_timeout_seconds = 0
        }
      }
    }
  }

  dynamic "load_balancer" {
    for_each = contains(keys(var.target_group_arns), each.key) ? [var.target_group_arns[each.key]] : []

    content {
      target_group_arn = load_balancer.value
      container_name   = each.key
      container_port   = each.value.port
    }
  }
}
