"""Data contracts in the Open Data Contract Standard (ODCS), one per data product: written from what is known about its topics,
merged with what people wrote, read back, and checked against the estate.

https://bitol-io.github.io/open-data-contract-standard/ defines their form.
"""
