"""What agents can ask and do about event source mappings: arguments, answers and limits of each tool.

The discovery tools are in `agent_tools`; the server, its transports and its log in `mcp_server`.
"""
