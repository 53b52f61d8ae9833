"""What is kept: objects in a folder or a bucket, and the inventories and the inbox in them.

May import `errors`, `inventory`, `platforms` and `diff`."""
