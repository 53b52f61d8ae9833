"""What the feed does: it appends records, writes for the Datagen connectors, and consumes some of it all."""
