"""The trigger queue as Terraform creates it: an SNS topic whose messages, and alarms, arrive in an SQS queue."""

import json
from typing import Any

import boto3

TOPIC, QUEUE = "discovery-agent-triggers", "triggers"


class TriggerQueue:
    """In its own account in the stand-in for AWS."""

    def __init__(self, url: str, account: str) -> None:
        self.account = account
        self.path = f"{account}/{QUEUE}"
        self._url = url
        sqs, sns = self._client("sqs"), self._client("sns")
        queue = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self._topic = sns.create_topic(Name=TOPIC)["TopicArn"]
        sns.subscribe(TopicArn=self._topic, Protocol="sqs", Endpoint=arn)

    def publish(self, **trigger: str) -> None:
        self._client("sns").publish(TopicArn=self._topic, Message=json.dumps({"trigger": trigger}))

    def raise_alarm(self, name: str, *, reason: str) -> None:
        cloudwatch = self._client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/Kafka",
            MetricName="MaxOffsetLag",
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1000,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[self._topic],
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason)

    def _client(self, service: str) -> Any:
        return boto3.session.Session().client(
            service,
            endpoint_url=self._url,
            region_name="us-east-1",
            aws_access_key_id=self.account,
            aws_secret_access_key="x",
        )
