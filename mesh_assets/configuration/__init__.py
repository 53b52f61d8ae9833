"""Writes new projects, and the estate file, `.env` and MCP clients' entries for existing clusters, from Terraform's
outputs or Confluent Cloud's lists."""
