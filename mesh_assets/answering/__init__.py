"""The building blocks of every answer to an AI agent: the estate as the server knows it, the call in progress,
pages of lists.

May import whatever is below `agent_tools`, but neither mcp nor Dagster. The tools themselves are in
`agent_tools`.
"""
