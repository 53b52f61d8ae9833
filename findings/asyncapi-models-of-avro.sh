#!/usr/bin/env bash
# Which type a `long` of Avro has in the code that AsyncAPI's generator makes from a document with that schema: one of 32 bits. One would
# expect 64, as the schema says, and as it is for a JSON Schema with format int64.
#
# Seen with @asyncapi/modelina 5.10.1 and @asyncapi/avro-schema-parser 3.0.24:
#
#   a field of the schema                 Java       C#       Rust
#   Avro, int                             Integer    int?     Option<i32>
#   Avro, long, also timestamp-millis     Integer    int?     Option<i32>
#   JSON Schema, integer of int64         Long       long?    Option<i64>
#
# The parser turns `long` into an integer with a minimum and a maximum and no format, and the generator looks at the format alone. A time in
# milliseconds, an offset or an id of 64 bits does not fit: the code compiles, and a consumer fails at the first record.
#
# The same parser makes a union `oneOf` its types, so records that are valid in Avro are not by the JSON Schema, by which tools
# check examples and messages: 5 in a union of int and double, or of int and long; a text in one of string and bytes; a symbol in
# one of string and an enum. Each matches two.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit @asyncapi/modelina@5.10.1 @asyncapi/avro-schema-parser@3.0.24 ajv@8.20.0
cat > generate.js <<'JS'
const assert = require('assert')
const Ajv = require('ajv')
const { AvroSchemaParser } = require('@asyncapi/avro-schema-parser')
const modelina = require('@asyncapi/modelina')

const AVRO = 'application/vnd.apache.avro;version=1.9.0'
const JSON_SCHEMA = 'application/schema+json;version=draft-07'
const record = (type) => ({ type: 'record', name: 'Order', namespace: 'shop', fields: [{ name: 'at', type }] })
const PATTERNS = { Java: /private (\S+) at;/, CSharp: /private (\S+) at;/, Rust: /pub at: (\S+),/ }

/** The type of the one field in the code that is generated from an AsyncAPI document with this schema. */
const typeIn = async (language, schemaFormat, schema) => {
  const document = {
    asyncapi: '3.0.0', info: { title: 'shop', version: '1.0.0' },
    channels: { orders: { address: 'orders', messages: { Order: { payload: { schemaFormat, schema } } } } },
    operations: { read: { action: 'receive', channel: { $ref: '#/channels/orders' } } }
  }
  const models = await new modelina[`${language}Generator`]().generate(document)
  const code = models.map((model) => model.result).join('\n')
  const found = code.match(PATTERNS[language])
  assert(found, code)
  return found[1]
}
const SCHEMAS = {
  'Avro int': [AVRO, record('int'), ['Integer', 'int?', 'Option<i32>']],
  'Avro long': [AVRO, record('long'), ['Integer', 'int?', 'Option<i32>']],
  'Avro timestamp-millis': [AVRO, record({ type: 'long', logicalType: 'timestamp-millis' }), ['Integer', 'int?', 'Option<i32>']],
  'JSON Schema int64': [
    JSON_SCHEMA, { type: 'object', title: 'Order', properties: { at: { type: 'integer', format: 'int64' } } },
    ['Long', 'long?', 'Option<i64>']
  ]
}
const state = { type: 'enum', name: 'State', symbols: ['NEW'] }
const RECORDS = [  // the union, a value that is valid in Avro, and whether the JSON Schema accepts it
  [['null', 'long'], 5, true],
  [['int', 'double'], 5.5, true],
  [['int', 'double'], 5, false],
  [['null', 'int', 'long'], 5, false],
  [['string', 'bytes'], 'a', false],
  [['string', state], 'NEW', false]
]
const main = async () => {
  for (const [name, [format, schema, expected]] of Object.entries(SCHEMAS)) {
    const found = []
    for (const language of Object.keys(PATTERNS)) found.push(await typeIn(language, format, schema))
    console.log(name.padEnd(24), found.join('   '))
    assert.deepStrictEqual(found, expected)
  }
  for (const [union, value, expected] of RECORDS) {
    const schema = await AvroSchemaParser().parse({ data: record(union), meta: {}, schemaFormat: AVRO, defaultSchemaFormat: AVRO })
    const found = new Ajv({ strict: false, validateFormats: false }).compile(schema)({ at: value })
    console.log(JSON.stringify(value), 'in', union.map((type) => type.type ?? type).join(', '), found ? 'is accepted' : 'is refused')
    assert.strictEqual(found, expected)
  }
}
main()
JS
node generate.js
