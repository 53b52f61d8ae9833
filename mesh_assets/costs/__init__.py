"""What topics, domains, products and applications use, and what that costs.

Everything is a share of what the inventory measured; the only prices are the estate's. Anything unknown is marked so, and
is never 0.
"""
