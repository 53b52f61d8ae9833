"""What is wrong in an estate: findings, each with its evidence and what to do, and the policy that says what ought to
be. One list for agents, checks, reports and the command line.

Judging is pure: documents and settings in, findings out. Only `reading` and `history` touch the store.
"""
