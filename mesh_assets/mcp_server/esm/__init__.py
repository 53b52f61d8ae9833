"""The toolset `esm`: event source mappings, from looking to changing by plan. One file a group of tools."""
