import { describe, expect, it } from 'vitest'
import { flushRoom } from './flush.ts'
import { takeEvent } from './receive.ts'
import { createRoom, type Room } from './room.ts'
import { considerFounding } from './host/joining.ts'
import { answerHello, takeHello } from './host/hello.ts'
import { PROTOCOL_VERSION } from './room.ts'
import type { Transport } from './transport/transport.ts'

/** A host over a transport that carries nothing: only what the room keeps matters here. */
function createHost(): Room {
  const transport = {
    local: 'host',
    send: () => 'sent',
    bufferedBytes: () => 0,
    openChannel() {},
    closeChannel() {},
    disconnect() {},
    close() {},
    stats: () => undefined,
    poll() {},
  } as unknown as Transport
  const options = {
    displayName: '',
    startTick: 0,
    joinTimeoutMs: 1_000,
    peerTimeoutMs: 1_000,
    capacity: 96,
    random: () => 1,
    wallClock: undefined,
    canHost: true,
    leaseMs: 600,
    quorumLoss: 'fork' as const,
  }
  const door = { send: () => 'closed' as const, figures: () => undefined, stats: () => undefined }
  const room = createRoom(transport, options, 60, door)
  takeEvent(room, { kind: 'roster', members: ['host'] })
  considerFounding(room)
  return room
}

describe('room', () => {
  it('NW32: nothing is kept of peers that are gone, members or not', () => {
    const room = createHost()
    const hello = { protocolVersion: PROTOCOL_VERSION, protocolHash: 0, components: [], sessionTag: 0, slot: 0 }
    for (let index = 0; index < 500; index++) {
      const peer = `peer-${index}`
      takeEvent(room, { kind: 'connected', peer })
      if (index % 2 === 0) takeHello(room, room.links.get(peer)!, hello)
      else answerHello(room, room.links.get(peer)!)
      flushRoom(room)
      expect(room.peers.length).toBe(index % 2 === 0 ? 1 : 0)
      takeEvent(room, { kind: 'message', peer, channel: 0, data: new Uint8Array(9) })
      takeEvent(room, { kind: 'disconnected', peer, reason: 'left' })
      flushRoom(room)
    }
    expect([room.links.size, room.states.size, room.peerObjects.size, room.peers.length]).toEqual([0, 1, 1, 0])
    expect(room.roster!.members.map((member) => member.peer)).toEqual(['host'])
  })
})
