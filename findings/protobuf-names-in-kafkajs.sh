#!/usr/bin/env bash
# What KafkaJS' client of the schema registry writes of a Protobuf message whose fields are called as in the schema: only those of one word.
# One would expect the message, or an error, as for a value of the wrong type.
#
# Seen with @kafkajs/confluent-schema-registry 4.1.0 (protobufjs 7.6.6), and a schema with order_id, amount_cents and paid:
#
#   encode                                                 the record, and what the client reads from it
#   {order_id: 'o-1', amount_cents: 1999, paid: true}      {paid: true}
#   {orderId: 'o-1', amountCents: 1999, paid: true}        {orderId: 'o-1', amountCents: 1999, paid: true}
#   {order_id: 'o-1'}                                      {}: no byte but the header
#   {orderId: 5}                                           Error: invalid payload
#
# Protobuf's style guide asks for order_id, and Java's and Python's builders, Protobuf's JSON in both directions and this schema in
# the registry know it. protobufjs turns it into orderId when it reads the schema, unless told to keep it, which the client
# leaves no way to do, and what a message has beyond its schema is dropped. Proto3 has no required fields, so what arrives is a valid
# message of empty fields. It matters to whoever passes on JSON or rows of a database, whose names have underscores.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit @kafkajs/confluent-schema-registry@4.1.0
cat > encode.js <<'JS'
const assert = require('assert')
const { SchemaRegistry } = require('@kafkajs/confluent-schema-registry')

const schema = `
  syntax = "proto3";
  package shop;
  message Order { string order_id = 1; int64 amount_cents = 2; bool paid = 3; }`
const HEADER = '0000000001'  // no magic, schema 1
const WHOLE = { orderId: 'o-1', amountCents: '1999', paid: true }
const ORDERS = [  // what is encoded, its bytes behind the header, and what is read from them
  [{ order_id: 'o-1', amount_cents: 1999, paid: true }, '1801', { paid: true }],
  [{ orderId: 'o-1', amountCents: 1999, paid: true }, '0a036f2d3110cf0f1801', WHOLE],
  [{ order_id: 'o-1' }, '', {}]
]
// A registry that has the one schema.
const server = require('http').createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ schema, schemaType: 'PROTOBUF' }))
})
const main = async () => {
  const registry = new SchemaRegistry({ host: `http://127.0.0.1:${server.address().port}` })
  for (const [order, bytes, expected] of ORDERS) {
    const data = await registry.encode(1, order)
    const read = JSON.parse(JSON.stringify(await registry.decode(data)))
    console.log(JSON.stringify(order), '→', data.toString('hex'), '→', JSON.stringify(read))
    assert.strictEqual(data.toString('hex'), HEADER + bytes)
    assert.deepStrictEqual(read, expected)
  }
  await assert.rejects(registry.encode(1, { orderId: 5 }), (error) => {
    console.log(JSON.stringify({ orderId: 5 }), '→', error.message)
    return true
  })
}
console.log('protobufjs', require('protobufjs/package.json').version)
server.listen(0, '127.0.0.1', () => main().finally(() => server.close()))
JS
node encode.js
