"""Tools for agents about the mesh: what follows from the inventories (lineage, domains, findings, profiles, products,
contracts, changes). Those about the inventories themselves are in `agent_tools`. Knows nothing about MCP."""
