# Tasks may connect anywhere, since Kafka may be anywhere; who may connect to them is named.

resource "aws_security_group" "tasks" {
  name        = "${var.name}-tasks"
  description = "Mesh Assets: services and runs"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "anywhere" {
  security_group_id = aws_security_group.tasks.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

# Daemon and webserver connect to the code server.
resource "aws_vpc_security_group_ingress_rule" "code" {
  security_group_id            = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = 4000
  to_port                      = 4000
  referenced_security_group_id = aws_security_group.tasks.id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = { for pair in setproduct(var.client_security_group_ids, [3000, 8000, 8080]) : "${pair[0]}-${pair[1]}" => { group = pair[0], port = pair[1] } }

  security_group_id            = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = each.value.group
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = var.postgres.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.postgres.port
  to_port                      = var.postgres.port
  referenced_security_group_id = aws_security_group.tasks.id
}
