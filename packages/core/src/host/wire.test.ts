import { encodeControl } from '@baton/schemas'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBeat, writeBeat, writeBeatAck } from './wire.ts'
import { createNetworkRig } from '../testing/network-rig.ts'
import { CHANNEL, type Transport } from '../transport/transport.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const TAG = 0xdead_beef

describe('beats', () => {
  it('HB1: a beat is these 16 bytes, its ack these 19', () => {
    const beat = writeBeat(0x0102_0304, TAG, { type: 'Beat', sequence: 5, commit: 0x0a0b_0c0d, isCut: true })
    expect([...beat]).toEqual([2, 0xef, 0xbe, 4, 3, 2, 1, 5, 0, 0, 0, 0x0d, 0x0c, 0x0b, 0x0a, 1])
    const ack = writeBeatAck(1, TAG, { type: 'BeatAck', sequence: 2, held: 3, promised: 0xff00_0000 })
    expect([...ack]).toEqual([3, 0xef, 0xbe, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0xff])
  })

  it('HB1: what is written is read', () => {
    fc.assert(
      fc.property(u32, u32, u32, u32, u32, fc.boolean(), (term, tag, sequence, index, promised, isCut) => {
        const beat = { type: 'Beat', sequence, commit: index, isCut } as const
        expect(readBeat(writeBeat(term, tag, beat), tag)).toEqual({ term, message: beat })
        const ack = { type: 'BeatAck', sequence, held: index, promised } as const
        expect(readBeat(writeBeatAck(term, tag, ack), tag)).toEqual({ term, message: ack })
      }),
    )
  })

  it('HB2: another length is no beat, another tag a stranger', () => {
    const beat = writeBeat(1, TAG, { type: 'Beat', sequence: 1, commit: 1 })
    expect(readBeat(beat.subarray(0, 15), TAG)).toBeUndefined()
    expect(readBeat(Uint8Array.of(...beat, 0), TAG)).toBeUndefined()
    expect(readBeat(beat, TAG ^ 1)).toBe('foreign')
    fc.assert(
      fc.property(fc.constantFrom(2, 3), fc.uint8Array({ maxLength: 40 }), (kind, rest) => {
        const read = readBeat(Uint8Array.of(kind, ...rest), TAG)
        if (rest.length + 1 !== (kind === 2 ? 16 : 19)) expect(read).toBeUndefined()
      }),
    )
  })

  it('HB2: in a room the first is counted, the second is not', () => {
    const rig = createNetworkRig({ seed: 'beats' })
    const host = rig.join()
    let transport: Transport | undefined
    rig.join({}, (own) => (transport = own))
    rig.runUntil(() => host.peers.length === 1)
    const ack = { type: 'BeatAck', sequence: 0, held: 99, promised: 1 } as const
    transport!.send(host.local.id, CHANNEL.state, writeBeatAck(1, host.sessionTag ^ 1, ack))
    rig.run(200)
    expect(host.counters.breaches).toBe(0)
    transport!.send(host.local.id, CHANNEL.state, Uint8Array.of(3, 0, 0))
    rig.run(200)
    expect([host.counters.breaches, host.isHost]).toEqual([1, true])
  })
})

describe('generations', () => {
  it('EN2: what a message of another generation says is not heard', () => {
    const heard: string[] = []
    for (const generation of [0, 1]) {
      const rig = createNetworkRig({ seed: 'generation' })
      const [host, guest] = rig.room(2)
      let transport: Transport | undefined
      const third = rig.join({}, (own) => (transport = own))
      rig.runUntil(() => [host!, guest!, third].every((network) => network.peers.length === 2))
      const message = { type: 'ApplicationMessage', text: true, last: true, data: Uint8Array.of(104, 105) } as const
      guest!.on('message', ({ data }) => heard.push(`${generation} ${data as string}`))
      transport!.send(guest!.local.id, CHANNEL.control, encodeControl({ term: 1, index: 0, generation, body: message }))
      rig.run(200)
    }
    expect(heard).toEqual(['0 hi'])
  })
})
