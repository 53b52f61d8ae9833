"""The toolset `discovery`: what there is, what changed, what is wrong. One file a group of tools."""
