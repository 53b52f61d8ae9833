"""What topics, domains, products and applications take, and what that costs.

Everything is a share of what the inventory measured; no price is known but the estate's. What is not known is said, and is
never 0.
"""
