/**
 * Lobby messages as JSON text, in the shape a page writes by hand: `{"kind":"connected","id":"..."}`,
 * `{"toId":"...","offer":{"type":"offer","sdp":"..."}}`, bytes as a list of numbers.
 *
 * Invariant: the schema is closed. A key that the layout does not have is refused, objects are built anew
 * without a prototype, and nothing is ever merged, so a message cannot reach into `Object.prototype`.
 */
import { lobbyLayout, type LobbyBody, type LobbyMessage } from '../generated/lobby.layout.ts'
import { scalarOf, type Decoded, type Field, type Layout } from './layout.ts'

/** Upper bound of one text frame, in bytes of UTF-8. */
export const MAX_LOBBY_TEXT_BYTES = 16_384

type Json = Record<string, unknown>

const layout: Layout = lobbyLayout
const TYPE_BY_KIND = {
  join: 'Join',
  'self-connected': 'SelfConnected',
  connected: 'Connected',
  disconnected: 'Disconnected',
  'connect-request': 'ConnectRequest',
  error: 'LobbyError',
  leave: 'Leave',
  witness: 'Witness',
  'generation-request': 'GenerationRequest',
  generation: 'Generation',
} as const
// These have no `kind`: the key that holds the description or the candidate says what they are.
const TYPE_BY_SIGNAL = { offer: 'Offer', answer: 'Answer', candidate: 'Candidate' } as const
const ENVELOPE_KEYS = ['toId', 'fromId', 'attempt']
const loneSurrogates = /\p{Surrogate}/gu

/**
 * One lobby message as the JSON of a text frame. Half surrogates become U+FFFD, as they do in bytes.
 * @throws RangeError when a value does not fit its field or the text would exceed `MAX_LOBBY_TEXT_BYTES`;
 *   escapes count, so a message that fits as bytes may not fit as text
 */
export function encodeLobbyText({ body }: LobbyMessage): string {
  const fields = writeFields(layout.tables[body.type]!, body)
  let json: Json
  if (body.type === 'Offer' || body.type === 'Answer') {
    const type = body.type === 'Offer' ? 'offer' : 'answer'
    const { sdp, attempt, ...ids } = fields
    json = { ...ids, [type]: { type, sdp }, attempt }
  } else if (body.type === 'Candidate') {
    const { candidate, sdpMid, sdpMLineIndex, attempt, ...ids } = fields
    json = { ...ids, candidate: { candidate, sdpMid, sdpMLineIndex }, attempt }
  } else {
    json = { kind: keyOf(TYPE_BY_KIND, body.type), ...fields }
  }
  const text = JSON.stringify(json)
  const readBack = decodeLobbyText(text)
  if (!readBack.ok) throw new RangeError(`encodeLobbyText: ${body.type} would be refused: ${readBack.reason}`)
  return text
}

function keyOf(record: Readonly<Record<string, string>>, value: string): string | undefined {
  return Object.keys(record).find((key) => record[key] === value)
}

function writeFields(fields: readonly Field[], table: object): Json {
  const json: Json = {}
  for (const field of fields) {
    const value = (table as Json)[field.name]
    if (value instanceof Uint8Array) json[field.name] = [...value]
    else if (Array.isArray(value)) {
      if (value.length > 0 || field.required) json[field.name] = value.map((element) => writeValue(field, element))
    } else json[field.name] = writeValue(field, value)
  }
  return json
}

function writeValue(field: Field, value: unknown): unknown {
  if (typeof value === 'string') return value.replace(loneSurrogates, '\ufffd')
  return typeof value === 'object' && value !== null && field.ref
    ? writeFields(layout.tables[field.ref]!, value)
    : value
}

/**
 * Reads one lobby message from a text frame. Never throws.
 *
 * `null` counts as absent, because browsers write it for a candidate's missing parts; a candidate's
 * `usernameFragment` is let pass and dropped, since the candidate line has it too.
 */
export function decodeLobbyText(text: string): Decoded<LobbyMessage> {
  if (text.length > MAX_LOBBY_TEXT_BYTES || utf8Bytes(text) > MAX_LOBBY_TEXT_BYTES) {
    return { ok: false, reason: `text of ${text.length} characters, over ${MAX_LOBBY_TEXT_BYTES} bytes` }
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { ok: false, reason: 'not JSON' }
  }
  const reading: Reading = { reason: '' }
  const body = isObject(json) ? readBody(reading, json) : refuse(reading, 'not an object')
  if (body === undefined || reading.reason !== '') return { ok: false, reason: reading.reason }
  return { ok: true, value: Object.assign(bare(), { body }) as unknown as LobbyMessage }
}

interface Reading {
  reason: string
}

/** Keeps the first reason. */
function refuse(reading: Reading, reason: string): undefined {
  if (reading.reason === '') reading.reason = reason
  return undefined
}

function utf8Bytes(text: string): number {
  return text.length * 3 > MAX_LOBBY_TEXT_BYTES ? new TextEncoder().encode(text).length : 0
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function bare(): Json {
  return Object.create(null) as Json
}

/** Own keys only: what somebody put on `Object.prototype` is not part of the message. */
function own(json: Json, key: string): unknown {
  return Object.hasOwn(json, key) ? json[key] : undefined
}

function readBody(reading: Reading, json: Json): LobbyBody | undefined {
  const signal = (Object.keys(TYPE_BY_SIGNAL) as (keyof typeof TYPE_BY_SIGNAL)[]).find((key) =>
    Object.hasOwn(json, key),
  )
  const into = bare()
  if (signal === undefined) {
    const kind = own(json, 'kind')
    if (typeof kind !== 'string' || !Object.hasOwn(TYPE_BY_KIND, kind)) {
      return refuse(reading, `kind ${shown(kind)} is unknown`)
    }
    into['type'] = TYPE_BY_KIND[kind as keyof typeof TYPE_BY_KIND]
    readFields(reading, layout.tables[into['type'] as string]!, json, ['kind'], into)
  } else {
    const type = TYPE_BY_SIGNAL[signal]
    const inner = json[signal]
    if (!isObject(inner)) return refuse(reading, `${signal} is not an object`)
    const fields = layout.tables[type]!
    into['type'] = type
    readFields(
      reading,
      fields.filter(({ name }) => ENVELOPE_KEYS.includes(name)),
      json,
      [signal],
      into,
    )
    const aside = signal === 'candidate' ? 'usernameFragment' : 'type'
    readFields(
      reading,
      fields.filter(({ name }) => !ENVELOPE_KEYS.includes(name)),
      inner,
      [aside],
      into,
    )
    const extra = own(inner, aside) ?? null
    if (signal === 'candidate' ? extra !== null && typeof extra !== 'string' : extra !== signal) {
      refuse(reading, `${signal}.${aside} is ${shown(extra)}`)
    }
  }
  return into as unknown as LobbyBody
}

/** Reads `fields` of `json` into `into`; any other key than theirs and those `aside` is refused. */
function readFields(
  reading: Reading,
  fields: readonly Field[],
  json: Json,
  aside: readonly string[],
  into: Json,
): void {
  for (const key of Object.keys(json)) {
    if (!aside.includes(key) && !fields.some(({ name }) => name === key))
      return refuse(reading, `key ${shown(key)} is unknown`)
  }
  for (const field of fields) {
    const value = readValue(reading, field, own(json, field.name) ?? undefined)
    if (value !== undefined) into[field.name] = value
  }
}

function readValue(reading: Reading, field: Field, value: unknown): unknown {
  const scalar = scalarOf(layout, field)
  if (value === undefined) {
    if (field.required) return refuse(reading, `${field.name} is missing`)
    if (field.kind === 'bool') return field.default === 1
    return scalar ? (field.default ?? 0) : field.kind === 'vector' ? [] : undefined
  }
  if (field.kind === 'string') return readString(reading, field, value)
  if (field.kind === 'bool')
    return typeof value === 'boolean' ? value : refuse(reading, `${field.name} is ${shown(value)}`)
  if (scalar) {
    const fits = Number.isInteger(value) && (value as number) >= scalar[1] && (value as number) <= scalar[2]
    return fits ? (value as number) + 0 : refuse(reading, `${field.name} is ${shown(value)}`)
  }
  if (!Array.isArray(value)) return refuse(reading, `${field.name} is not a list`)
  if (field.of === 'u8') return readBytes(reading, field, value)
  return value.map((element: unknown) => {
    if (field.of === 'string') return readString(reading, field, element)
    if (!isObject(element)) return refuse(reading, `${field.name} holds ${shown(element)}`)
    const table = bare()
    readFields(reading, layout.tables[field.ref!]!, element, [], table)
    return table
  })
}

function readBytes(reading: Reading, field: Field, list: readonly unknown[]): Uint8Array | undefined {
  const bad = list.find((element) => !Number.isInteger(element) || (element as number) < 0 || (element as number) > 255)
  return bad === undefined ? Uint8Array.from(list as number[]) : refuse(reading, `${field.name} holds ${shown(bad)}`)
}

function readString(reading: Reading, field: Field, value: unknown): string | undefined {
  const sound = typeof value === 'string' && value.search(loneSurrogates) < 0
  return sound ? value : refuse(reading, `${field.name} is ${shown(value)}, not a text`)
}

/** For a reason. Objects are only named: turning a deep one into text would exhaust the stack. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return JSON.stringify(value).slice(0, 40)
}
