"""What AI agents can ask and do: one function a tool, one file a subject. `mapping_tools` has those about event
source mappings, `mcp_server/toolsets.py` the table of all.

May import whatever is below `defs`, but neither mcp nor Dagster: `mcp_server` turns the tables into tools of
the protocol. Nothing heavy is imported before a tool needs it.
"""
