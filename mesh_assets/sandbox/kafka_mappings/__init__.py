"""A stand-in for Lambda's Kafka mappings, which no AWS emulator has. It passes everything else on to
ministack.

Written from the published API, it polls the real broker, invokes real function code and commits; it has never
been compared with AWS itself. `python -m mesh_assets.sandbox.kafka_mappings FOLDER` serves it. It can be told
to misbehave (`refusals.py`).
"""
