"""The estate as it is in force: what its files say, kept for moments in which they are broken, and what its rules find."""
