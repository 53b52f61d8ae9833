"""Ends and rates kept over time: one reading every few minutes, the history of readings, and the steps
between them.

Imports `store` and the packages below it.
"""
