"""Event source mappings of Kafka topics to Lambda functions: checked, planned, made, watched and proven.

Facts and limits are those of botocore's service model and of AWS' documentation. Nobody has run this against
AWS itself; the local stand-in is checked against the same model.
"""
