"""Reading the five sections of a cluster at the same time, each fresh or stale with its reason. Above platforms and inventory."""
