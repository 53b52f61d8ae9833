"""Kafka's own protocol, for reading a cluster in bulk: many requests in flight on few connections, one
request per broker and kind, answers decoded straight into compact values.

confluent-kafka produces and consumes; we do not use it for inventories, because it copies every config and
partition into objects, asks about one group per request, and lacks share groups, log directories, quotas and
transactions.
"""
