"""The command line `mesh-assets`, one file per command."""
