"""Looks after the store: what is in it, what can be removed, what is damaged.

May import `errors`, `estate`, `inventory` and `store`.
"""
