"""`mesh-assets esm`: a file a command."""
