"""What is wrong in an estate: findings, each with its evidence and what to do, and the policy that says what should be.
One list for agents, checks, reports and the command line.

A kind has its name in `estate/findings.py`, its words in kinds.py and its rule in the file of its subject, which judge.py
lists; what shows findings derives from these. Judging is pure: documents and settings in, findings out. Only reading.py,
neighbours.py, owned.py, samples.py and history.py read the store.
"""
