"""What is kept: objects in a folder or a bucket, and the inventories, inbox and tables in them.

May import `errors`, `inventory`, `platforms` and `diff`."""
