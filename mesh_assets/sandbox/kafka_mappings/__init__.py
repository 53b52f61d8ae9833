"""A stand-in for what no emulator of AWS has: Lambda's Kafka mappings. It passes everything else on to ministack.

Written from the published API, it polls the real broker, invokes real function code and commits; nobody has compared it
with AWS itself. `python -m mesh_assets.sandbox.kafka_mappings FOLDER` serves it. It can be told to misbehave (`refusals.py`).
"""
