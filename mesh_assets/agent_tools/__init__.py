"""What AI agents can ask and do: one function a tool, one file a subject, one table a toolset
(`toolsets.py`).

May import whatever is below `defs`, but neither mcp nor Dagster: `mcp_server` turns the tables into tools of
the protocol. Nothing heavy is imported before a tool needs it.
"""
