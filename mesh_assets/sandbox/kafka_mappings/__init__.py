"""A stand-in for what no emulator of AWS has: Lambda's mappings for Kafka, in front of ministack, to which
all else is passed on.

It is written from the published API and polls the real broker, invokes real function code and commits; nobody
has checked it against AWS itself. `python -m mesh_assets.sandbox.kafka_mappings FOLDER` serves it. It can be
told to be wrong (`faults.py`).
"""
