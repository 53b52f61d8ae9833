"""Reads a cluster into the sections of its inventory, each fresh, or stale with the reason.

May import `errors`, `estate`, `inventory`, `platforms`, `store` and `readings`.
"""
