"""The command line `mesh-assets`, a file for each command."""
