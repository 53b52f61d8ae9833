"""Which clusters there are and how to reach them: the estate file and its model."""
