import { CHANNEL } from '@baton/core'
import type { LobbyBody } from '@baton/schemas/lobby'
import { afterEach, describe, expect, it } from 'vitest'
import { MAX_OFFERS } from './handshake.ts'
import { CONNECT_TIMEOUT_MS, GIVE_UP_MS, OFFER_TIMEOUT_MS } from './mesh.ts'
import { createMeshPair, type MeshEnd, type MeshPair } from './testing/mesh-pair.ts'

const pairs: MeshPair[] = []
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close()
})

async function open(): Promise<MeshPair> {
  const pair = await createMeshPair()
  pairs.push(pair)
  return pair
}

const count = (end: MeshEnd, type: LobbyBody['type']): number => end.signals.filter((body) => body.type === type).length
const areLinked = ({ a, b }: MeshPair): boolean => a.log.includes('connected') && b.log.includes('connected')

// One connect in some hundreds fails in node-datachannel, and a test that counts offers then counts one more.
describe('Mesh', { retry: 2 }, () => {
  it('WT5: the newcomer offers, the other answers', async () => {
    const pair = await open()
    pair.a.mesh.add('b', false)
    pair.b.mesh.add('a', true)
    await pair.until('linked', () => areLinked(pair))
    expect([count(pair.a, 'Offer'), count(pair.b, 'Offer')]).toEqual([0, 1])
    expect([count(pair.a, 'Answer'), count(pair.b, 'Answer')]).toEqual([1, 0])
  })

  it('WT6: when both offer at the same moment they end up with one link, used both ways', async () => {
    const pair = await open()
    pair.a.mesh.add('b', true)
    pair.b.mesh.add('a', true)
    await pair.until('linked', () => areLinked(pair))
    pair.a.mesh.link('b')!.send(CHANNEL.control, new TextEncoder().encode('from a'))
    pair.b.mesh.link('a')!.send(CHANNEL.control, new TextEncoder().encode('from b'))
    await pair.until('both heard', () => pair.a.log.length === 2 && pair.b.log.length === 2)
    expect(pair.a.log).toEqual(['connected', 'from b'])
    expect(pair.b.log).toEqual(['connected', 'from a'])
    expect([count(pair.a, 'Answer'), count(pair.b, 'Answer')]).toEqual([0, 1])
  })

  it('WT7: an attempt whose answer is lost times out, and the next one succeeds', async () => {
    const pair = await open()
    pair.pass = (body, from) => !(from === 'a' && count(pair.a, 'Answer') <= 1 && body.type !== 'ConnectRequest')
    pair.a.mesh.add('b', false)
    pair.b.mesh.add('a', true)
    await pair.until('a has answered', () => count(pair.a, 'Answer') === 1)
    expect(areLinked(pair)).toBe(false)
    pair.nowMs += CONNECT_TIMEOUT_MS
    await pair.until('linked', () => areLinked(pair))
    expect(count(pair.b, 'Offer')).toBe(2)
    const attempts = pair.b.signals.flatMap((body) => (body.type === 'Offer' ? [body.attempt] : []))
    expect(attempts[1]).toBeGreaterThan(attempts[0]!)
  })

  it('WT5: answers and candidates of an older attempt, and offers already answered, change nothing', async () => {
    const pair = await open()
    pair.a.mesh.add('b', false)
    pair.b.mesh.add('a', true)
    await pair.until('linked', () => areLinked(pair))
    const [ignoredA, ignoredB] = [pair.a.mesh.ignoredSignals, pair.b.mesh.ignoredSignals]
    for (const body of pair.b.signals) pair.a.mesh.hear({ ...body, fromId: 'b' } as LobbyBody)
    for (const body of pair.a.signals) pair.b.mesh.hear({ ...body, fromId: 'a' } as LobbyBody)
    expect(pair.a.mesh.ignoredSignals - ignoredA).toBe(pair.b.signals.length)
    expect(pair.b.mesh.ignoredSignals - ignoredB).toBe(pair.a.signals.length)
    pair.a.mesh.link('b')!.send(CHANNEL.control, new TextEncoder().encode('still here'))
    await pair.until('b heard', () => pair.b.log.includes('still here'))
    expect(pair.a.log).toEqual(['connected'])
  })

  it('WT7: an offer that does not come is asked for', async () => {
    const pair = await open()
    pair.pass = (body) => body.type !== 'Offer' || count(pair.a, 'ConnectRequest') > 0
    pair.a.mesh.add('b', false)
    pair.b.mesh.add('a', true)
    await pair.until('b has offered', () => count(pair.b, 'Offer') === 1)
    pair.nowMs += OFFER_TIMEOUT_MS
    await pair.until('linked', () => areLinked(pair))
    expect(count(pair.a, 'ConnectRequest')).toBe(1)
    expect(count(pair.b, 'Offer')).toBe(2)
  })

  it('WT7: when no attempt finds a path both ends say so, once, and stop', async () => {
    const pair = await open()
    pair.pass = (body) => body.type !== 'Candidate'
    pair.stripsCandidates = true
    pair.a.mesh.add('b', false)
    pair.b.mesh.add('a', true)
    for (let attempt = 1; attempt <= MAX_OFFERS; attempt++) {
      await pair.until(`a has answered offer ${attempt}`, () => count(pair.a, 'Answer') === attempt)
      pair.nowMs += CONNECT_TIMEOUT_MS
    }
    pair.nowMs += GIVE_UP_MS
    await pair.until('both gave up', () => pair.a.log.length > 0 && pair.b.log.length > 0)
    pair.nowMs += GIVE_UP_MS
    await pair.until('time has passed', () => true)
    expect(pair.b.log).toEqual(['unreachable failed'])
    expect(pair.a.log).toEqual(['unreachable timeout'])
    expect(count(pair.b, 'Offer')).toBe(MAX_OFFERS)
  })

  it('WT7: descriptions with media, or beyond any length, are ignored', async () => {
    const pair = await open()
    pair.a.mesh.add('b', false)
    const sdp = 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n'
    for (const bad of [
      '',
      'v=0\r\n',
      `${sdp}m=audio 9 RTP/AVP 0\r\n`,
      sdp.replace('application', 'video'),
      sdp + 'a'.repeat(20_000),
    ])
      pair.a.mesh.hear({ type: 'Offer', toId: 'a', fromId: 'b', attempt: 2, sdp: bad })
    expect(pair.a.mesh.ignoredSignals).toBe(5)
    pair.a.mesh.hear({ type: 'Offer', toId: 'a', fromId: 'stranger', attempt: 2, sdp })
    pair.a.mesh.hear({ type: 'Offer', toId: 'a', attempt: 2, sdp })
    expect(pair.a.mesh.ignoredSignals).toBe(7)
  })

  it('WT7: garbage in place of a description fails that attempt and no other', async () => {
    const pair = await open()
    pair.a.mesh.add('b', false)
    const sdp = 'v=0\r\nm=application nonsense\r\n'
    pair.a.mesh.hear({ type: 'Offer', toId: 'a', fromId: 'b', attempt: 3, sdp })
    pair.a.mesh.hear({ type: 'Candidate', toId: 'a', fromId: 'b', attempt: 3, candidate: 'nonsense', sdpMLineIndex: 9 })
    pair.b.mesh.add('a', true)
    pair.nowMs += CONNECT_TIMEOUT_MS
    await pair.until('linked all the same', () => areLinked(pair))
    expect(pair.a.log).toEqual(['connected'])
  })

  it('a member that leaves the lobby while it is being linked is forgotten, one that is linked is kept', async () => {
    const pair = await open()
    pair.a.mesh.add('b', false)
    pair.b.mesh.add('a', true)
    await pair.until('linked', () => areLinked(pair))
    pair.a.mesh.remove('b')
    pair.a.mesh.link('b')!.send(CHANNEL.control, new TextEncoder().encode('kept'))
    await pair.until('b heard', () => pair.b.log.includes('kept'))
    pair.b.mesh.add('c', true)
    expect(count(pair.b, 'Offer')).toBe(1)
    pair.b.mesh.remove('c')
    pair.nowMs += 3 * CONNECT_TIMEOUT_MS
    await pair.until('time has passed', () => true)
    expect(pair.b.log).toEqual(['connected', 'kept'])
  })
})
