"""What every answer to an agent shares: the documents it comes from, pages, how old it is. Imports no mcp."""
