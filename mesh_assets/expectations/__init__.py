"""Whether the data in topics is as the estate expects: rules judged over a sample, and what came of it.

`judge(topic, frame, rules)` is called while a topic's sample is in memory. What leaves are figures, partitions and offsets,
never values.
"""
