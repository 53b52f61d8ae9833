"""Event source mappings from Kafka topics to Lambda functions: checked, planned, made, watched and proven.

Facts and limits come from botocore's service model and AWS' documentation. This has never run against AWS
itself; the local stand-in is checked against the same model.
"""
