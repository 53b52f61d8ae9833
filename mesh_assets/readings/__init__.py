"""What is kept of ends and rates over time: one reading every few minutes, the history of readings, and steps
between them.

Imports `store` and what lies below it.
"""
