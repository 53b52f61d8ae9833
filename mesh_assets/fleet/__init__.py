"""The estate in force: what its files say, kept for times when they are broken, and what its rules find."""
