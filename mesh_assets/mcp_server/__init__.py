"""The MCP server: what the estate's documents tell, and what may be done, as tools of AI agents.

The knowledge is in `inventory` and `analysis`; here are names, arguments, short answers and the server around
them. Public: `build_server` (server.py), `ServerSettings` (settings.py), `serve` (serving.py). Nothing heavy
is imported before a tool needs it.
"""
