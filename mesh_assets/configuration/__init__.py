"""Writing the estate file, `.env` and MCP clients' entries for clusters that exist, from what Terraform or
Confluent Cloud says."""
