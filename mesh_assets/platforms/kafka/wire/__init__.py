"""Kafka's own protocol, for reading a cluster in bulk: many requests in flight on few connections, one request a
broker and kind, answers decoded straight into compact values.

confluent-kafka produces and consumes; it is not asked for inventories, because it copies every config and
partition into objects, asks one group a request, and lacks share groups, log directories, quotas and
transactions.
"""
