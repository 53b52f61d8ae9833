"""What is a secret, and how it is masked: in connector configs, in text, and in what is said about
exceptions.

Imports nothing of the project but `errors` and `inventory`.
"""
