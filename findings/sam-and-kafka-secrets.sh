#!/usr/bin/env bash
# Which secrets SAM lets a function's role read for a mapping from Kafka: the one it logs in with, unless it logs in to MSK with a user and
# a password. One would expect the same for each way to log in, since SAM makes the role to fit the event.
#
# Seen with aws-sam-translator 1.115.0, all with SecretsManagerKmsKeyId, what the generated role may do beyond AWS's own policies:
#
#   MSK            CLIENT_CERTIFICATE_TLS_AUTH      secretsmanager:GetSecretValue
#   MSK            SASL_SCRAM_512_AUTH              nothing
#   self-managed   CLIENT_CERTIFICATE_TLS_AUTH      secretsmanager:GetSecretValue, kms:Decrypt
#   self-managed   SASL_SCRAM_512_AUTH              secretsmanager:GetSecretValue, kms:Decrypt
#
# AWSLambdaMSKExecutionRole, which SAM adds for MSK, grants neither. The template is valid, `sam validate` and the translation
# pass, and the mapping cannot be created, since Lambda looks whether the role may read the secret. MSK's secrets for SCRAM must be
# encrypted with a key of one's own, so kms:Decrypt is needed, too, and SecretsManagerKmsKeyId, which asks for it, is accepted for MSK
# and has no effect. Both rights have to be written into `Policies`.
#
# Fails when a version of this behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=eu-west-1 venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

LOGIN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:AmazonMSK_login"
KEY = "6f1c2f1e-0000-4000-8000-000000000000"


def secrets(kind, *configurations, **settings):
    """What the function's role may do with secrets and keys."""
    event = {
        "StartingPosition": "LATEST", "Topics": ["orders"], "SecretsManagerKmsKeyId": KEY,
        "SourceAccessConfigurations": [{"Type": type, "URI": secret} for type, secret in configurations], **settings,
    }
    function = {
        "Runtime": "python3.13", "Handler": "index.handler", "InlineCode": "def handler(event, context): pass",
        "Events": {"Orders": {"Type": kind, "Properties": event}},
    }
    template = {"Resources": {"Reader": {"Type": "AWS::Serverless::Function", "Properties": function}}}
    made = Translator({}, Parser()).translate(sam_template=template, parameter_values={})
    policies = made["Resources"]["ReaderRole"]["Properties"].get("Policies", [])
    return sorted(
        f"{action} {statement['Resource']}" if action.startswith("secretsmanager:") else action
        for policy in policies or () for statement in policy["PolicyDocument"]["Statement"] for action in statement["Action"]
        if action.startswith(("secretsmanager:", "kms:"))
    )


def of_msk(*configurations):
    return secrets("MSK", *configurations, Stream="arn:aws:kafka:eu-west-1:111122223333:cluster/shop/1")


def self_managed(*configurations):
    return secrets("SelfManagedKafka", *configurations, KafkaBootstrapServers=["kafka:9092"])


SCRAM, TLS = ("SASL_SCRAM_512_AUTH", LOGIN), ("CLIENT_CERTIFICATE_TLS_AUTH", LOGIN)
READ, DECRYPT = f"secretsmanager:GetSecretValue {LOGIN}", "kms:Decrypt"
FOUND = {
    "MSK, TLS": (of_msk(TLS), [READ]),
    "MSK, SCRAM": (of_msk(SCRAM), []),
    "self-managed, TLS": (self_managed(TLS), [DECRYPT, READ]),
    "self-managed, SCRAM": (self_managed(SCRAM), [DECRYPT, READ]),
}
print("aws-sam-translator", version("aws-sam-translator"))
for name, (found, expected) in FOUND.items():
    print(f"{name:20}", ", ".join(found) or "nothing")
    assert found == expected, (name, found)
PYTHON
