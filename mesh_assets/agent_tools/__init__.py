"""What AI agents can ask and do: one function per tool, one file per subject. `mapping_tools` has the tools for
event source mappings, `mcp_server/toolsets.py` the table of all tools.

May import whatever is below `defs`, but neither mcp nor Dagster: `mcp_server` turns the tables into tools of
the protocol. Heavy imports wait until a tool needs them.
"""
