import type { TransportEvent } from '@baton/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Inbox, MAX_RELIABLE_WAITING_BYTES, MAX_UNRELIABLE_WAITING, MAX_WITNESS_WAITING } from './inbox.ts'

const data = new Uint8Array(1_000)

function drain(inbox: Inbox): TransportEvent[] {
  const events: TransportEvent[] = []
  inbox.drain((event) => events.push(event))
  return events
}

describe('inbox', () => {
  it('hands over everything once, oldest first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 100 }), fc.nat(100), (channels, cut) => {
        const inbox = new Inbox()
        const got: number[] = []
        for (const [index, channel] of channels.entries()) {
          inbox.pushMessage('p', channel, true, data)
          if (index === cut) inbox.drain((event) => got.push((event as { channel: number }).channel))
        }
        inbox.drain((event) => got.push((event as { channel: number }).channel))
        inbox.drain(() => expect.unreachable())
        expect(got).toEqual(channels)
      }),
    )
  })

  it('WT16: unreliable messages beyond the limit are thrown away and counted, per peer', () => {
    const inbox = new Inbox()
    for (let index = 0; index < MAX_UNRELIABLE_WAITING + 7; index++)
      expect(inbox.pushMessage('loud', 1, false, data)).toBe(true)
    expect(inbox.pushMessage('other', 1, false, data)).toBe(true)
    expect(inbox.pushMessage('loud', 0, true, data)).toBe(true)
    expect(inbox.overflowCount).toBe(7)
    expect(drain(inbox)).toHaveLength(MAX_UNRELIABLE_WAITING + 2)
    expect(inbox.pushMessage('loud', 1, false, data)).toBe(true)
    expect(drain(inbox)).toHaveLength(1)
  })

  it('WT16: reliable messages beyond the limit are refused, empty ones too, and only of that peer', () => {
    for (const size of [0, 1_000]) {
      const inbox = new Inbox()
      const message = new Uint8Array(size)
      let taken = 0
      while (inbox.pushMessage('loud', 0, true, message)) taken++
      expect(taken * Math.max(size, 64)).toBeLessThanOrEqual(MAX_RELIABLE_WAITING_BYTES)
      expect(taken * (size + 64)).toBeGreaterThan(MAX_RELIABLE_WAITING_BYTES / 2)
      expect(inbox.pushMessage('other', 0, true, message)).toBe(true)
    }
  })

  it('WT16: of what the witness said, the latest 256 messages wait, in order, and everything else stays', () => {
    const inbox = new Inbox()
    inbox.push({ kind: 'connected', peer: 'a' })
    for (let index = 0; index < MAX_WITNESS_WAITING + 9; index++) inbox.pushWitness(Uint8Array.of(index & 255))
    inbox.push({ kind: 'departed', peer: 'a' })
    const events = drain(inbox)
    expect([events[0]!.kind, events.at(-1)!.kind, events.length]).toEqual(['connected', 'departed', 258])
    const said = events.flatMap((event) => (event.kind === 'witness' ? [event.data[0]] : []))
    expect(said).toEqual(Array.from({ length: MAX_WITNESS_WAITING }, (_, index) => (index + 9) & 255))
    inbox.pushWitness(Uint8Array.of(1))
    expect(drain(inbox)).toHaveLength(1)
  })

  it('what a handler causes comes with the next call; what it throws loses nothing; after clear nothing comes', () => {
    const inbox = new Inbox()
    for (const peer of ['a', 'b', 'c']) inbox.push({ kind: 'connected', peer })
    expect(() =>
      inbox.drain((event) => {
        inbox.push({ kind: 'disconnected', peer: (event as { peer: string }).peer, reason: 'left' })
        throw new Error('of the game')
      }),
    ).toThrow('of the game')
    const seen: string[] = []
    inbox.drain((event) => {
      seen.push(event.kind)
      if (seen.length === 2) inbox.clear()
    })
    expect(seen).toEqual(['connected', 'connected'])
    expect(drain(inbox)).toEqual([])
  })
})
