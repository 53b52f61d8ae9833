#!/usr/bin/env bash
# What CloudEvents' SDK for Python writes to Kafka (and over HTTP) in binary mode, where the data is JSON but no object: the text that
# Python shows for it. One would expect JSON, as the event's content type says, and as version 1 of the SDK wrote it.
#
# Seen with cloudevents 2.2.0 for Python and 10.0.0 for JavaScript, datacontenttype application/json:
#
#   data                  the message's value   Python reads again       JavaScript reads
#   {"sku": "a"}          {"sku": "a"}          the same                 the same
#   [{"sku": "a"}]        [{'sku': 'a'}]        that text                SyntaxError
#   [1, None]             [1, None]             that text                SyntaxError
#   True                  True                  the text True            SyntaxError
#   "a"                   a                     the same                 SyntaxError
#   "12"                  12                    the number 12            12
#
# Nothing is raised where it is written, and Python takes what is no JSON for text. So a topic whose events are lists works in a
# test that writes and reads a single object, and an order number of digits arrives as a number. Structured mode, and
# `cloudevents.v1` of the same package, write JSON. A `json.dumps` of one's own avoids it.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0
npm install --silent --no-fund --no-audit cloudevents@10.0.0
cat > read.js <<'JS'
// What the SDK for JavaScript reads from each of Python's messages, as JSON, one a line.
const { Kafka } = require('cloudevents')
for (const message of JSON.parse(require('fs').readFileSync('messages.json'))) {
  let found
  try {
    found = JSON.stringify(Kafka.toEvent({ headers: message.headers, key: null, value: Buffer.from(message.value) }).data)
  } catch (error) {
    found = error.name
  }
  console.log(found)
}
JS
venv/bin/python - <<'PYTHON'
import json
import subprocess
from importlib.metadata import version

from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import CloudEvent as EarlierCloudEvent
from cloudevents.v1.kafka import to_binary

ATTRIBUTES = {"id": "1", "source": "/shop", "type": "ordered", "specversion": "1.0", "datacontenttype": "application/json"}
# The data, what Python writes as the message's value, what it reads from that again, and what JavaScript reads.
CASES = (
    ({"sku": "a"}, '{"sku": "a"}', {"sku": "a"}, '{"sku":"a"}'),
    ([{"sku": "a"}], "[{'sku': 'a'}]", "[{'sku': 'a'}]", "SyntaxError"),
    ([1, None], "[1, None]", "[1, None]", "SyntaxError"),
    (True, "True", "True", "SyntaxError"),
    ("a", "a", "a", "SyntaxError"),
    ("12", "12", 12, "12"),
)
format = JSONFormat()
messages = [kafka.to_binary(CloudEvent(dict(ATTRIBUTES), data), format) for data, *_ in CASES]
with open("messages.json", "w") as file:
    json.dump([
        {"headers": {name: value.decode() for name, value in message.headers.items()}, "value": message.value.decode()}
        for message in messages
    ], file)
by_node = subprocess.run(["node", "read.js"], check=True, capture_output=True, text=True).stdout.splitlines()
print("cloudevents", version("cloudevents"), "and 10.0.0 for JavaScript")
for (data, written, read, elsewhere), message, there in zip(CASES, messages, by_node, strict=True):
    again = kafka.from_kafka(message, format, CloudEvent).get_data()
    print(f"{data!r:20} {message.value.decode():20} {again!r:20} {there}")
    assert (message.value.decode(), again, there) == (written, read, elsewhere), data
    structured = kafka.to_structured(CloudEvent(dict(ATTRIBUTES), data), format)
    assert kafka.from_kafka(structured, format, CloudEvent).get_data() == data
    before = to_binary(EarlierCloudEvent(dict(ATTRIBUTES), data)).value
    assert json.loads(before) == data, (data, before)
print("in structured mode, and by the functions of version 1, each value comes back as it was")
PYTHON
