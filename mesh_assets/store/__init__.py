"""What is kept: objects in a folder or a bucket, and the inventories, inbox, tables and change history in them.

Imports `inventory` and `diff` and nothing else of the project but `errors`.
"""
