"""Ends and rates kept over time. Below collecting, which derives time lag from them; above store, which keeps them."""
