/** Requests and the log when messages are lost or doubled, entries are cut, and owners go and come back. */
import type { LogEvent, Network } from '@baton/core'
import { describe, expect, it } from 'vitest'
import { acting, createRoom, type RigPeer } from '../rig.ts'

type SendControl = Network['lower']['sendControl']

/** Stands between a peer and its control channel. */
function onSend(peer: RigPeer, wrap: (send: SendControl) => SendControl): void {
  const { lower } = peer.network
  lower.sendControl = wrap(lower.sendControl.bind(lower))
}

/** Cuts the first entry of a kind out of a peer's log as soon as it is in it; it is in it again a frame later. */
function cutOnce(peer: RigPeer, type: string): void {
  const { lower } = peer.network
  const take = lower.takeLog.bind(lower)
  let late: LogEvent[] = []
  let isDone = false
  lower.takeLog = () => {
    const events = [...late, ...take()]
    late = []
    const at = isDone ? -1 : events.findIndex((one) => one.kind === 'appended' && one.entry.body.type === type)
    const event = events[at]
    if (event?.kind !== 'appended') return events
    isDone = true
    late = events.slice(at)
    return [...events.slice(0, at + 1), { kind: 'cut', fromIndex: event.entry.index }]
  }
}

const there = (from: RigPeer, eid: number, to: RigPeer): number =>
  to.replication!.entityOf(from.replication!.networkId(eid))

function room(count = 3): [rig: ReturnType<typeof createRoom>, host: RigPeer, guest: RigPeer, third: RigPeer] {
  const rig = createRoom(count, { seed: 11, conditions: { latencyMs: 20 } })
  return [rig, rig.peers[0]!, rig.peers[1]!, rig.peers[2]!]
}

describe('requests', () => {
  it('LG5: a request that comes twice is done once, and one that was refused is not judged again', () => {
    const [rig, host, guest, third] = room()
    const eid = host.replication!.spawn(host.game.crate)
    rig.run(30)
    onSend(guest, (send) => (peer, body, index) => {
      send(peer, body, index)
      return send(peer, body, index)
    })
    guest.replication!.spawn(guest.game.crate, { points: 7 })
    third.replication!.claim(there(host, eid, third))
    guest.replication!.claim(there(host, eid, guest))
    rig.run(90)
    expect(rig.peers.map((peer) => peer.replication!.entityCount)).toEqual([2, 2, 2])
    const refusals = rig.peers.flatMap((peer) => peer.events.filter((event) => event.startsWith('refused')))
    expect(refusals).toHaveLength(1)
    expect(host.replication!.counters.requestsRefused).toBe(1)
    expect(guest.replication!.pendingCount).toBe(0)
  })

  it('LG5: a refusal that was lost is told again when the request comes again', () => {
    const [rig, host, guest] = room()
    const eid = host.replication!.spawn(host.game.crate)
    rig.run(30)
    let lost = 0
    onSend(host, (send) => (peer, body, index) => {
      if (body.type !== 'RequestRefused' || lost > 0) return send(peer, body, index)
      lost += 1
      return 'sent'
    })
    host.replication!.claim(eid)
    guest.replication!.claim(there(host, eid, guest))
    rig.run(60)
    expect(lost).toBe(1)
    expect(guest.events).toContain('refused Claim stale')
    expect(host.replication!.counters.requestsRefused).toBe(1)
  })

  it('LG6: requests are taken in their order, also where the first of them was lost on its way', () => {
    const [rig, host, guest] = room()
    let lost = 0
    onSend(guest, (send) => (peer, body, index) => {
      if (body.type !== 'Spawn' || lost > 0) return send(peer, body, index)
      lost += 1
      return 'sent'
    })
    const first = guest.replication!.spawn(guest.game.crate, { points: 1 })
    const second = guest.replication!.spawn(guest.game.crate, { points: 2 })
    rig.run(60)
    expect(lost).toBe(1)
    expect([first, second].map((eid) => host.game.Health.points[there(guest, eid, host)])).toEqual([1, 2])
    expect(guest.events.filter((event) => event.startsWith('refused'))).toEqual([])
  })

  it('LG7: a request whose refusal was lost ends with the next one that is done', () => {
    const [rig, host, guest] = room()
    const eid = host.replication!.spawn(host.game.crate)
    rig.run(30)
    onSend(host, (send) => (peer, body, index) => (body.type === 'RequestRefused' ? 'sent' : send(peer, body, index)))
    const local = there(host, eid, guest)
    host.replication!.claim(eid)
    guest.replication!.claim(local)
    rig.run(60)
    expect(guest.replication!.pendingCount).toBe(1)
    guest.replication!.spawn(guest.game.crate)
    rig.run(30)
    expect(guest.events).toContain('refused Claim overtaken')
    expect(guest.replication!.pendingCount).toBe(0)
    expect(acting(guest)).not.toContain(local)
  })
})

describe('the log', () => {
  it('OW11 LG8: ownership acts when it is in the log, goes back when it is cut, and is asked for again', () => {
    const [rig, host, guest] = room()
    const eid = host.replication!.spawn(host.game.crate)
    rig.run(30)
    const local = there(host, eid, guest)
    let isActingAfterCut = false
    cutOnce(guest, 'Grant')
    guest.replication!.on('reverted', () => (isActingAfterCut = acting(guest).includes(local)))
    guest.replication!.claim(local)
    rig.run(30)
    expect(guest.events.filter((event) => event.startsWith('reverted'))).toEqual(['reverted Claim'])
    expect(isActingAfterCut).toBe(true)
    for (const peer of rig.peers) {
      expect(peer.replication!.ownerOf(there(host, eid, peer))?.slot, peer.name).toBe(guest.network.local.slot)
    }
  })

  it('LC1 LC11: a spawn that was cut out of the log lives on at its owner, and comes to all once it is in again', () => {
    const [rig, host, guest] = room()
    let isActingAfterCut = false
    cutOnce(guest, 'Spawn')
    const eid = guest.replication!.spawn(guest.game.crate)
    const id = guest.replication!.networkId(eid)
    guest.replication!.on('reverted', () => (isActingAfterCut = acting(guest).includes(eid)))
    rig.run(60)
    expect(guest.events).toContain('reverted Spawn')
    expect(isActingAfterCut).toBe(true)
    for (const peer of rig.peers) {
      expect(
        peer.events.filter((event) => event.endsWith(` ${id}`)),
        peer.name,
      ).toEqual([`spawned ${id}`])
    }
    expect(host.replication!.ownerOf(host.replication!.entityOf(id))?.slot).toBe(guest.network.local.slot)
  })

  it('OW12: what was held for an owner that was away is its own again when it is back', () => {
    const [rig, host, guest] = room()
    const eid = host.replication!.spawn(host.game.relic)
    rig.run(30)
    const id = host.replication!.networkId(eid)
    // A machine that sleeps for longer than its lease: the others go on without it.
    host.gone = true
    for (let at = 0; at < 60 && guest.network.peers.some((peer) => peer.slot === 1); at += 1) rig.run(5)
    rig.run(5)
    expect(guest.replication!.ownerOf(guest.replication!.entityOf(id))).toBeUndefined()
    expect(guest.replication!.authorityOf(guest.replication!.entityOf(id))).toBeUndefined()
    host.gone = false
    rig.run(300)
    for (const peer of rig.peers) {
      const local = peer.replication!.entityOf(id)
      expect([peer.replication!.ownerOf(local)?.slot, peer.replication!.authorityOf(local)?.slot]).toEqual([1, 1])
      expect(peer.events.filter((event) => event.endsWith(` ${id}`))).toEqual([`spawned ${id}`])
    }
    expect(acting(host)).toEqual([eid])
  })
})
