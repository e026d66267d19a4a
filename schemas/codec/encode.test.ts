import { describe, expect, test } from 'vitest'
import { decodeControl, encodeControl, type ControlBody, type ControlMessage } from './index.ts'

const send = (body: unknown) => encodeControl({ term: 1, index: 1, body: body as ControlBody })
const spawn = {
  type: 'Spawn',
  request: 1,
  id: 1,
  prefab: 'crate',
  owner: 1,
  authority: 1,
  ownershipSequence: 0,
  authoritySequence: 0,
  parent: 0,
  departPolicy: 'hold',
  components: [],
}

describe('what does not fit throws at the sender', () => {
  test.each([
    ['SC14: a slot of 65,536', { ...spawn, owner: 65_536 }, 'Spawn.owner is 65536; give an integer from 0 to 65535'],
    ['SC14: a slot below zero', { ...spawn, owner: -1 }, 'Spawn.owner is -1'],
    ['SC14: a fraction', { ...spawn, id: 0.5 }, 'Spawn.id is 0.5; give an integer'],
    ['SC14: an id that is not there', { ...spawn, id: undefined }, 'Spawn.id is undefined'],
    ['SC14: NaN', { type: 'Ping', sequence: 1, sentMs: NaN }, 'Ping.sentMs is NaN; give a finite number'],
    ['SC14: infinity', { type: 'Ping', sequence: 1, sentMs: Infinity }, 'Ping.sentMs is Infinity'],
    [
      'SC14: a required string that is not there',
      { ...spawn, prefab: undefined },
      'Spawn.prefab is undefined; give a value, it is required',
    ],
    ['SC14: a number for a string', { ...spawn, prefab: 7 }, 'Spawn.prefab is 7; give a string'],
    [
      'SC14: an unknown policy',
      { ...spawn, departPolicy: 'stay' },
      'Spawn.departPolicy is "stay"; give one of transfer, despawn, hold',
    ],
    [
      'SC14: a list for bytes',
      { type: 'ApplicationMessage', text: false, last: true, data: [1] },
      'ApplicationMessage.data is 1; give a Uint8Array',
    ],
    [
      'SC14: a number for a boolean',
      { type: 'ApplicationMessage', text: 1, last: true, data: new Uint8Array(1) },
      'ApplicationMessage.text is 1; give a boolean',
    ],
    ['SC14: a number for a list', { type: 'Despawn', request: 1, ids: 7 }, 'Despawn.ids is 7; give a list'],
    [
      'SC14: something with a length',
      { type: 'Despawn', request: 1, ids: { length: 1e9 } },
      'Despawn.ids is [object Object]',
    ],
    ['SC14: null in a list of tables', { ...spawn, components: [null] }, 'Spawn.components[0] is null; give an object'],
    ['SC14: an id in a list', { type: 'Despawn', request: 1, ids: [1, -2] }, 'Despawn.ids[1] is -2'],
    [
      'SC14: null for a table',
      { type: 'ComponentAdded', request: 1, id: 1, value: null },
      'ComponentAdded.value is null; give an object',
    ],
    [
      'SC14: a body of no known type',
      { type: 'ControlMessage' },
      'ControlMessage.body.type is "ControlMessage"; give one of Hello',
    ],
    ['SC14: a body named like a method', { type: 'toString' }, 'ControlMessage.body.type is "toString"'],
    [
      'SC14: too large',
      { type: 'ApplicationMessage', text: false, last: true, data: new Uint8Array(16_384) },
      'over 16384; send it in pieces',
    ],
  ])('%s', (_, body, complaint) => {
    expect(() => send(body)).toThrow(RangeError)
    expect(() => send(body)).toThrow(complaint)
  })
})

describe('the bytes', () => {
  test('SC11: are exactly sized and share nothing with the message or with each other', () => {
    const data = Uint8Array.of(1, 2, 3)
    const first = send({ type: 'ApplicationMessage', text: false, last: true, data })
    const second = send({ type: 'ApplicationMessage', text: false, last: true, data })
    expect(first.byteOffset).toBe(0)
    expect(first.buffer.byteLength).toBe(first.length)
    const kept = second.slice()
    first.fill(0)
    data.fill(0)
    expect(second).toEqual(kept)
  })

  test('SC11: reading keeps nothing of them, a Node Buffer included', () => {
    const bytes = Buffer.from(
      send({ type: 'ApplicationMessage', text: false, last: true, data: Uint8Array.of(1, 2, 3) }),
    )
    const decoded = decodeControl(bytes)
    bytes.fill(0xff)
    const data = decoded.ok && decoded.value.body.type === 'ApplicationMessage' ? decoded.value.body.data : undefined
    expect(data).toEqual(Uint8Array.of(1, 2, 3))
    expect(data?.constructor).toBe(Uint8Array)
  })

  test('SC13: a message that encodes another while it is read out comes through', () => {
    const envelope = { entryTerm: 0, requester: 0, generation: 0 }
    const inner: ControlMessage = { term: 9, index: 9, ...envelope, body: { type: 'Goodbye', reason: 'inner' } }
    let innerBytes: Uint8Array | undefined
    const body = {
      type: 'Refuse',
      code: 'network/closed',
      get message() {
        innerBytes = encodeControl(inner)
        return 'outer'
      },
    }
    expect(decodeControl(send(body))).toEqual({
      ok: true,
      value: { term: 1, index: 1, ...envelope, body: { type: 'Refuse', code: 'network/closed', message: 'outer' } },
    })
    expect(decodeControl(innerBytes!)).toEqual({ ok: true, value: inner })
  })

  test('SC12: an empty list that may be absent takes no bytes, and reads as an empty list', () => {
    const hello = { type: 'Hello', protocolVersion: 1, protocolHash: 0, components: [], sessionTag: 0, slot: 0 }
    const decoded = decodeControl(send(hello))
    expect(decoded.ok && decoded.value.body).toEqual(hello)
    expect(send({ ...hello, components: undefined })).toEqual(send(hello))
  })

  test('SC6: half a surrogate pair becomes U+FFFD, and a leading U+FEFF stays', () => {
    const decoded = decodeControl(send({ type: 'Goodbye', reason: '\ufeffa\ud83d' }))
    expect(decoded.ok && decoded.value.body).toEqual({ type: 'Goodbye', reason: '\ufeffa\ufffd' })
  })
})
