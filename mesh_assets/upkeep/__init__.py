"""Looks after the store: what is in it, what may go, what is damaged.

May import `errors`, `estate`, `inventory` and `store`.
"""
