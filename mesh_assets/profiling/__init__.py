"""How good the data is: figures of a sample of each topic whose records may be read.

Values stay in memory. What leaves it are counts, shares and figures; names of values only where the estate allows them.
"""
