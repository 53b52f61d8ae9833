"""What agents can ask and do about event source mappings: each tool's arguments, answers and limits.

The discovery tools are in `agent_tools`; the server, its transports and its log in `mcp_server`.
"""
