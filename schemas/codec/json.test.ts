import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lobbyLayout } from '../generated/lobby.layout.ts'
import { message, messageOf } from '../test/arbitraries.ts'
import {
  decodeLobby,
  decodeLobbyText,
  encodeLobby,
  encodeLobbyText,
  MAX_LOBBY_TEXT_BYTES,
  type LobbyMessage,
} from './lobby.ts'

const read = (json: unknown) => decodeLobbyText(typeof json === 'string' ? json : JSON.stringify(json))
const bodyOf = (json: unknown) => {
  const decoded = read(json)
  return decoded.ok ? decoded.value.body : decoded.reason
}
const offer = { toId: 'b', fromId: 'a', offer: { type: 'offer', sdp: 'v=0' }, attempt: 1 }
const candidate = { toId: 'b', candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 } }

describe('the shapes', () => {
  test.each<[LobbyMessage['body'], string]>([
    [{ type: 'Connected', id: 'a' }, '{"kind":"connected","id":"a"}'],
    [{ type: 'Disconnected', id: 'a', left: true }, '{"kind":"disconnected","id":"a","left":true}'],
    [{ type: 'Disconnected', id: 'a', left: false }, '{"kind":"disconnected","id":"a","left":false}'],
    [{ type: 'Witness', data: Uint8Array.of(0, 7, 255) }, '{"kind":"witness","data":[0,7,255]}'],
    [{ type: 'Witness', data: new Uint8Array(0) }, '{"kind":"witness","data":[]}'],
    [
      { type: 'GenerationRequest', generation: 2, members: ['a', 'b'], voters: 1 },
      '{"kind":"generation-request","generation":2,"members":["a","b"],"voters":1}',
    ],
    [{ type: 'Generation', generation: 3, members: ['b'] }, '{"kind":"generation","generation":3,"members":["b"]}'],
    [
      { type: 'SelfConnected', id: 'a', room: 'r', members: ['a'], iceServers: [] },
      '{"kind":"self-connected","id":"a","room":"r","members":["a"]}',
    ],
    [
      { type: 'Join', room: 'r', displayName: 'Ann', capacity: 4 },
      '{"kind":"join","room":"r","displayName":"Ann","capacity":4}',
    ],
    [{ type: 'Leave' }, '{"kind":"leave"}'],
    [{ type: 'ConnectRequest', toId: 'b' }, '{"kind":"connect-request","toId":"b"}'],
    [{ type: 'LobbyError', code: 'lobby/limit', message: 'm' }, '{"kind":"error","code":"lobby/limit","message":"m"}'],
    [
      { type: 'Offer', toId: 'b', fromId: 'a', attempt: 1, sdp: 'v=0' },
      '{"toId":"b","fromId":"a","offer":{"type":"offer","sdp":"v=0"},"attempt":1}',
    ],
    [
      { type: 'Answer', toId: 'a', fromId: 'b', attempt: 1, sdp: 'v=0' },
      '{"toId":"a","fromId":"b","answer":{"type":"answer","sdp":"v=0"},"attempt":1}',
    ],
    [
      { type: 'Candidate', toId: 'b', fromId: 'a', attempt: 1, candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 },
      '{"toId":"b","fromId":"a","candidate":{"candidate":"c","sdpMid":"0","sdpMLineIndex":0},"attempt":1}',
    ],
  ])('SC15: $type', (body, text) => {
    expect(encodeLobbyText({ body })).toBe(text)
    expect(read(text)).toEqual({ ok: true, value: { body } })
  })

  test('SC15: what a browser makes of its own objects is read, null and usernameFragment included', () => {
    expect(bodyOf({ toId: 'b', offer: { type: 'offer', sdp: 'v=0' } })).toEqual({
      type: 'Offer',
      toId: 'b',
      attempt: 0,
      sdp: 'v=0',
    })
    const whole = { candidate: 'c', sdpMid: null, sdpMLineIndex: null, usernameFragment: 'x' }
    const read = { type: 'Candidate', toId: 'b', attempt: 0, candidate: 'c', sdpMLineIndex: 0 }
    expect(bodyOf({ toId: 'b', candidate: whole })).toEqual(read)
    expect(bodyOf({ toId: 'b', candidate: { ...whole, usernameFragment: null } })).toEqual(read)
  })

  test('SC15: whoever does not say whether somebody left for good says no', () => {
    expect(bodyOf({ kind: 'disconnected', id: 'a' })).toEqual({ type: 'Disconnected', id: 'a', left: false })
    expect(bodyOf({ kind: 'disconnected', id: 'a', left: null })).toEqual({
      type: 'Disconnected',
      id: 'a',
      left: false,
    })
  })

  test('SC16: text and bytes carry the same meaning', () => {
    const layout = lobbyLayout
    const kinds = layout.unions.LobbyBody.map((type) => messageOf(layout, type))
    fc.assert(
      fc.property(fc.oneof(...kinds, message(layout)), (drawn) => {
        const sent = drawn as unknown as LobbyMessage
        const fromText = decodeLobbyText(encodeLobbyText(sent))
        expect(fromText).toEqual({ ok: true, value: sent })
        expect(fromText.ok && decodeLobby(encodeLobby(fromText.value))).toEqual({ ok: true, value: sent })
      }),
      { numRuns: 2_000 },
    )
  })

  test('SC16: half a surrogate pair becomes U+FFFD in both forms', () => {
    const sent: LobbyMessage = {
      body: { type: 'SelfConnected', id: '\ud83d', room: 'r', members: ['\udc00x'], iceServers: [] },
    }
    const arrived = { ok: true, value: { body: { ...sent.body, id: '\ufffd', members: ['\ufffdx'] } } }
    expect(decodeLobbyText(encodeLobbyText(sent))).toEqual(arrived)
    expect(decodeLobby(encodeLobby(sent))).toEqual(arrived)
  })
})

describe('what is refused', () => {
  test.each([
    ['nothing', '', 'not JSON'],
    ['half an object', '{"kind":', 'not JSON'],
    ['a list', [], 'not an object'],
    ['null', null, 'not an object'],
    ['a text', '"leave"', 'not an object'],
    ['no kind', {}, 'kind missing is unknown'],
    ['an unknown kind', { kind: 'promote' }, 'kind "promote" is unknown'],
    ['a kind of the binary form', { kind: 'Leave' }, 'kind "Leave" is unknown'],
    ['a kind that every object has', { kind: 'constructor' }, 'kind "constructor" is unknown'],
    ['a kind that is a list', { kind: ['leave'] }, 'kind a list is unknown'],
    ['an unknown key', { kind: 'leave', all: true }, 'key "all" is unknown'],
    ['the type of the binary form', { kind: 'leave', type: 'Join' }, 'key "type" is unknown'],
    ['a missing room', { kind: 'join' }, 'room is missing'],
    ['a room of null', { kind: 'join', room: null }, 'room is missing'],
    ['a number for a room', { kind: 'join', room: 5 }, 'room is 5, not a text'],
    ['an object for a room', { kind: 'join', room: {} }, 'room is an object, not a text'],
    ['half a surrogate pair', '{"kind":"join","room":"\\ud800"}', 'room is "\\ud800", not a text'],
    ['a negative capacity', { kind: 'join', room: 'r', capacity: -1 }, 'capacity is -1'],
    ['a fraction', { kind: 'join', room: 'r', capacity: 1.5 }, 'capacity is 1.5'],
    ['a capacity over its range', { kind: 'join', room: 'r', capacity: 65_536 }, 'capacity is 65536'],
    ['a number that is infinite', '{"kind":"join","room":"r","capacity":1e999}', 'capacity is null'],
    ['a number in quotes', { kind: 'join', room: 'r', capacity: '4' }, 'capacity is "4"'],
    ['members that are no list', { kind: 'self-connected', id: 'a', room: 'r', members: 'a' }, 'members is not a list'],
    [
      'a member that is a number',
      { kind: 'self-connected', id: 'a', room: 'r', members: [1] },
      'members is 1, not a text',
    ],
    [
      'a server that is a text',
      { kind: 'self-connected', id: 'a', room: 'r', members: [], iceServers: ['stun:x'] },
      'iceServers holds "stun:x"',
    ],
    [
      'a server with more keys',
      { kind: 'self-connected', id: 'a', room: 'r', members: [], iceServers: [{ urls: [], x: 1 }] },
      'key "x" is unknown',
    ],
    ['a truth that is a number', { kind: 'disconnected', id: 'a', left: 1 }, 'left is 1'],
    ['a truth in quotes', { kind: 'disconnected', id: 'a', left: 'true' }, 'left is "true"'],
    ['bytes in base64', { kind: 'witness', data: 'AAAA' }, 'data is not a list'],
    ['a byte over 255', { kind: 'witness', data: [0, 256] }, 'data holds 256'],
    ['a byte below 0', { kind: 'witness', data: [-1] }, 'data holds -1'],
    ['a byte with a fraction', { kind: 'witness', data: [0.5] }, 'data holds 0.5'],
    ['a byte of null', { kind: 'witness', data: [null] }, 'data holds null'],
    ['no bytes', { kind: 'witness' }, 'data is missing'],
    ['a generation over its range', { kind: 'generation', generation: 65_536, members: [] }, 'generation is 65536'],
    ['an offer of null', { toId: 'b', offer: null }, 'offer is not an object'],
    ['an offer that is an answer', { ...offer, offer: { type: 'answer', sdp: 'v=0' } }, 'offer.type is "answer"'],
    ['an offer without a type', { ...offer, offer: { sdp: 'v=0' } }, 'offer.type is null'],
    ['an offer without a description', { ...offer, offer: { type: 'offer' } }, 'sdp is missing'],
    ['an offer with a kind', { ...offer, kind: 'offer' }, 'key "kind" is unknown'],
    ['an offer and an answer at once', { ...offer, answer: { type: 'answer', sdp: 'v=0' } }, 'key "answer" is unknown'],
    ['a description outside its object', { ...offer, sdp: 'v=1' }, 'key "sdp" is unknown'],
    ['an address inside the description', { ...offer, offer: { ...offer.offer, toId: 'c' } }, 'key "toId" is unknown'],
    ['a candidate to nobody', { candidate: candidate.candidate }, 'toId is missing'],
    [
      'a fragment that is a number',
      { toId: 'b', candidate: { candidate: 'c', usernameFragment: 1 } },
      'candidate.usernameFragment is 1',
    ],
  ])('SC15: %s', (_, json, reason) => {
    expect(bodyOf(json)).toBe(reason)
  })

  test('SC15: text over 16,384 bytes, counted as UTF-8', () => {
    const join = (room: string) => JSON.stringify({ kind: 'join', room })
    const room = 'x'.repeat(MAX_LOBBY_TEXT_BYTES - join('').length)
    expect(bodyOf(join(room))).toEqual({ type: 'Join', room, capacity: 0 })
    expect(bodyOf(join(`${room}x`))).toMatch(/over 16384 bytes/)
    expect(bodyOf(join('ß'.repeat(room.length / 2 + 1)))).toMatch(/over 16384 bytes/)
  })

  test('SC15: nesting as deep as the limit allows', () => {
    expect(bodyOf('['.repeat(16_384))).toBe('not JSON')
    expect(bodyOf('['.repeat(8_192) + ']'.repeat(8_192))).toBe('not an object')
    expect(bodyOf(`{"kind":"join","room":${'['.repeat(8_000)}${']'.repeat(8_000)}}`)).toContain('not a text')
  })

  test('SC14: what the far end would refuse throws at the sender', () => {
    expect(() => encodeLobbyText({ body: { type: 'Join', room: 'r', capacity: -1 } })).toThrow(RangeError)
    expect(() => encodeLobbyText({ body: { type: 'Join', room: '\u0001'.repeat(3_000), capacity: 0 } })).toThrow(
      'over 16384 bytes',
    )
  })
})

describe('prototypes', () => {
  test.each([
    '{"kind":"leave","__proto__":{"polluted":1}}',
    '{"__proto__":{"kind":"leave"}}',
    '{"kind":"leave","constructor":{"prototype":{"polluted":1}}}',
    '{"toId":"b","offer":{"type":"offer","sdp":"v","__proto__":{"polluted":1}}}',
    '{"kind":"self-connected","id":"a","room":"r","members":[],"iceServers":[{"urls":[],"__proto__":{"polluted":1}}]}',
  ])('SC15: %s is refused and changes nothing', (text) => {
    expect(decodeLobbyText(text).ok).toBe(false)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  test('SC15: no object that is read has a prototype', () => {
    const decoded = read({ kind: 'self-connected', id: 'a', room: 'r', members: [], iceServers: [{ urls: [] }] })
    const value = decoded.ok ? decoded.value : undefined
    const body = value?.body.type === 'SelfConnected' ? value.body : undefined
    for (const object of [value, body, body?.iceServers[0]]) expect(Object.getPrototypeOf(object)).toBe(null)
  })

  test('SC15: what somebody put on Object.prototype is not read as part of a message', () => {
    const prototype = Object.prototype as { room?: string }
    prototype.room = 'attic'
    try {
      expect(bodyOf('{"kind":"join"}')).toBe('room is missing')
    } finally {
      delete prototype.room
    }
  })
})
