"""What is kept: objects in a folder or a bucket, and the inventories, inbox, tables and change history in
them.

May import `errors`, `inventory` and `diff`.
"""
