"""Which clusters exist and how to reach them: the estate file and its model."""
