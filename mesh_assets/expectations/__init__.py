"""Whether the data in topics meets the estate's expectations: rules judged over a sample, and the results.

`judge(topic, frame, rules)` is called while a topic's sample is in memory. Only figures, partitions and offsets leave it,
never values.
"""
