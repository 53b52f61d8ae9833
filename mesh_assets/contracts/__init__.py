"""Data contracts in the Open Data Contract Standard (ODCS), one a data product: written from what is known of its topics, merged with
what people wrote, read back, and held against the estate.

https://bitol-io.github.io/open-data-contract-standard/ defines their form.
"""
