/**
 * The JSON schema (2020-12) of records, made from the table that `checkRecord` reads, so that neither can say something
 * else. It is published as the file `frame-record.schema.json`. What spans several events (order, markers that pair up,
 * labels that exist) no schema can say; `checkRecord` does.
 */

import { eventFields, type FieldKind } from './validate.ts'

/** A JSON schema, or a part of one. */
export type JsonSchema = { readonly [key: string]: unknown }

const NATURAL: JsonSchema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const INTEGER: JsonSchema = {
  type: 'integer',
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
}
const TEXT: JsonSchema = { type: 'string', minLength: 1 }
const SYMBOL: JsonSchema = { type: 'object', properties: { symbol: TEXT }, required: ['symbol'] }

/** The schema of a `FrameRecord`. */
export function frameRecordSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'FrameRecord',
    description: 'What the instructions of one function did to its stack frame, in code order; offsets in bytes.',
    type: 'object',
    required: ['version', 'architecture', 'codeSize', 'kind', 'prologueEnd', 'events'],
    properties: {
      version: { const: 1 },
      architecture: { ...TEXT, description: 'x86-64, or another that a FrameArchitecture describes' },
      codeSize: { ...NATURAL, description: 'bytes of code that the record covers' },
      kind: { enum: ['normal', 'signal', 'outermost'] },
      prologueEnd: { ...NATURAL, description: 'offset of the first byte that is not prologue' },
      personality: SYMBOL,
      languageData: SYMBOL,
      parts: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          required: ['begin', 'end'],
          properties: { begin: NATURAL, end: { ...NATURAL, minimum: 1 }, languageData: SYMBOL },
        },
      },
      events: { type: 'array', items: { oneOf: Object.entries(eventFields).map(eventSchema) } },
    },
  }
}

function eventSchema([kind, fields]: readonly [string, readonly (readonly [string, FieldKind])[]]): JsonSchema {
  const properties: Record<string, JsonSchema> = {
    at: { ...NATURAL, description: "offset of the end of the event's instruction" },
    length: { ...NATURAL, description: 'bytes of that instruction; 0 for markers' },
    kind: { const: kind },
  }
  for (const [name, type] of fields) properties[name] = fieldSchema(type)
  return { type: 'object', required: Object.keys(properties), properties }
}

function fieldSchema(type: FieldKind): JsonSchema {
  switch (type) {
    case 'register':
    case 'natural':
      return NATURAL
    case 'integer':
      return INTEGER
    case 'boolean':
      return { type: 'boolean' }
    case 'hex':
      return { type: 'string', pattern: '^(?:[0-9a-f]{2})+$' }
    default:
      return { enum: type }
  }
}
