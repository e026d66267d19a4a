// A browser tells at once what a channel holds, so here the limits can be met for real.
import { CHANNEL, MAX_DATAGRAM_BYTES, MAX_TRANSPORT_MESSAGE_BYTES } from '@baton/core'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { connectTransport } from './connect.ts'
import { MAX_RELIABLE_BUFFERED_BYTES } from './data-channel.ts'
import { MAX_WATER_MARK_BYTES } from './drain-meter.ts'
import { observe, until, untilLinked, type Observed } from './testing/observer.ts'
import type { WebRtcTransport } from './webrtc-transport.ts'

const peers: Observed<WebRtcTransport>[] = []
afterEach(() => {
  for (const { transport } of peers.splice(0)) transport.close()
})

async function pair(): Promise<[Observed<WebRtcTransport>, Observed<WebRtcTransport>]> {
  const room = `congestion-${Math.random().toString(36).slice(2)}`
  for (let index = 0; index < 2; index++)
    peers.push(observe(await connectTransport({ lobby: inject('lobbyUrl'), room, iceServers: [] })))
  await untilLinked(peers)
  return [peers[0]!, peers[1]!]
}

describe('congestion in a browser', () => {
  it('WT10: state beyond the water mark is dropped at once, and sent again when the queue is short', async () => {
    const [a, b] = await pair()
    const to = b.transport.local
    const data = new Uint8Array(MAX_DATAGRAM_BYTES)
    const results = Array.from({ length: 300 }, () => a.transport.send(to, CHANNEL.state, data))
    const sent = results.filter((result) => result === 'sent').length
    expect(new Set(results)).toEqual(new Set(['sent', 'dropped']))
    expect(a.transport.stats(to)).toMatchObject({ packetsSent: sent, staleDropped: 300 - sent })
    expect(a.transport.bufferedBytes(to, CHANNEL.state)).toBeLessThanOrEqual(MAX_WATER_MARK_BYTES + data.length)
    await until([a, b], 'the queue is empty', () => a.transport.bufferedBytes(to, CHANNEL.state) === 0)
    expect(a.transport.send(to, CHANNEL.state, data)).toBe('sent')
    expect(b.all('disconnected')).toEqual([])
  })

  it('WT11: reliable messages up to the limit are taken and arrive; beyond it the peer is dropped as slow', async () => {
    const [a, b] = await pair()
    const to = b.transport.local
    const data = new Uint8Array(MAX_TRANSPORT_MESSAGE_BYTES)
    const fits = MAX_RELIABLE_BUFFERED_BYTES / data.length
    for (let index = 0; index < fits; index++) expect(a.transport.send(to, CHANNEL.bulk, data)).toBe('sent')
    await until([a, b], 'all came', () => b.all('message').length === fits)
    for (let index = 0; index < fits; index++) expect(a.transport.send(to, CHANNEL.bulk, data)).toBe('sent')
    expect(a.transport.send(to, CHANNEL.bulk, data)).toBe('closed')
    await until([a, b], 'both know', () => [a, b].every((peer) => peer.all('disconnected').length === 1))
    expect(a.all('failed').map(({ error }) => error.code)).toEqual(['peer/slow'])
  })
})
