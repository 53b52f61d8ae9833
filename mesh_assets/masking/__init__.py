"""What is a secret, and how it is masked: in configs of connectors, in text, and in what is said of exceptions.

Imports nothing of the project but `errors` and `inventory`.
"""
