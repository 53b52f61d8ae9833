"""What the feed does: appends records, and consumes some of them."""
