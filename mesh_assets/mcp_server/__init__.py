"""The MCP server: the tools of `agent_tools` over the protocol, with resources, prompts, an audit log and
authentication.

The only package that imports mcp; it may import everything but `cli`. Public: `build_server` (assembly.py),
`ServerSettings` (settings.py), `serve_stdio` and `serve_http` (serving.py).
"""
