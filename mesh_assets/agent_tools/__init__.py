"""The tools of AI agents, one file a subject: what there is, what changed, what is wrong; event source mappings."""
