"""How good the data is: figures from a sample of each topic whose records may be read.

Values stay in memory. Only counts, shares and figures leave it, and names of values only where the estate
allows them.
"""
