/**
 * Whole rooms through the ways in which a host changes, as a game sees them: rules HM10 to HM19.
 */
import { describe, expect, it } from 'vitest'
import type { Network } from '../../src/network.ts'
import type { HostChange, NetworkOptions } from '../../src/network-types.ts'
import { createNetworkRig, type NetworkRig } from '../../src/testing/index.ts'

const LEASE_MS = 600

function room(count: number, options: Partial<NetworkOptions> = {}): { rig: NetworkRig; networks: Network[] } {
  const rig = createNetworkRig({ seed: `changing hosts ${count}`, conditions: { latencyMs: 20, jitterMs: 5 } })
  const networks = rig.room(count, options)
  rig.runUntil(() => networks.every((network) => network.lower.inspect()!.learners.length === Math.max(0, count - 7)))
  rig.run(500)
  return { rig, networks }
}

function changes(network: Network): (HostChange & { host: string })[] {
  const seen: (HostChange & { host: string })[] = []
  network.on('hostchanged', (host, change) => seen.push({ host: host.id, ...change }))
  return seen
}

function peerOf(network: Network, other: Network) {
  return network.peers.find((peer) => peer.id === other.local.id)!
}

/** The room moves on without this network for a while, which wakes afterwards. */
function freeze(rig: NetworkRig, network: Network, ms: number): void {
  rig.stop(network)
  rig.run(ms)
  rig.networks.push(network)
}

describe('a host that goes', { timeout: 60_000 }, () => {
  it('HM14: a host that leaves is replaced without silence; with the lobby gone, too', () => {
    for (const hasLobby of [true, false]) {
      const { rig, networks } = room(3)
      const [a, b, c] = networks as [Network, Network, Network]
      if (!hasLobby) rig.memory.lobbyDown()
      const seen = [changes(b), changes(c)]
      a.close()
      rig.runUntil(() => b.isHost && c.host?.id === b.local.id, LEASE_MS / 2)
      for (const [change] of seen) {
        expect([change!.host, change!.term, change!.reason]).toEqual([b.local.id, 2, 'left'])
        expect(change!.gapMs).toBeLessThan(LEASE_MS)
      }
    }
  })

  it('HM17: each change is told once, with its reason, and with the gap that this peer saw', () => {
    const { rig, networks } = room(4)
    const [a, b, c, d] = networks as [Network, Network, Network, Network]
    const seen = [b, c, d].map(changes)
    a.handOver(peerOf(a, b))
    rig.run(1_000)
    rig.crash(b)
    rig.run(3_000)
    expect(c.isHost).toBe(true)
    for (const list of seen.slice(1)) {
      expect(list.map(({ host, reason }) => [host, reason])).toEqual([
        [b.local.id, 'handed-over'],
        [c.local.id, 'lost'],
      ])
      expect(list[0]!.gapMs).toBeLessThan(LEASE_MS / 2)
      expect(list[1]!.gapMs).toBeGreaterThanOrEqual(LEASE_MS * 0.9)
      expect(list[1]!.term).toBeGreaterThan(list[0]!.term)
    }
  })

  it('HM15: one that is hidden for a second hands over to the first in line that is in sight', () => {
    const { rig, networks } = room(4)
    const [a, b, c, d] = networks as [Network, Network, Network, Network]
    const seen = changes(d)
    b.setHidden(true)
    rig.run(500)
    const order = a.lower.inspect()!.voters
    expect(order).toEqual([a, c, d, b].map((network) => network.local.slot))
    a.setHidden(true)
    rig.run(800)
    expect(a.isHost).toBe(true)
    rig.runUntil(() => c.isHost, 1_000)
    rig.run(1_000)
    expect(seen.map(({ host, reason }) => [host, reason])).toEqual([[c.local.id, 'handed-over']])
    // Nobody in sight to give it to: it stays.
    for (const network of [c, d]) network.setHidden(true)
    rig.run(3_000)
    expect([b, c, d].filter((network) => network.isHost).length).toBe(1)
  })

  it('HM19: the baton is handed on by the host alone, and to a linked member that may host', () => {
    const { rig, networks } = room(2)
    const [a, b] = networks as [Network, Network]
    const shy = rig.join({ canHost: false })
    rig.runUntil(() => a.lower.inspect()!.voters.length === 3 && shy.isJoined)
    rig.run(500)
    expect(() => b.handOver(peerOf(b, a))).toThrow(/not the host/)
    expect(() => a.handOver(a.local)).toThrow(/cannot take the baton/)
    expect(() => a.handOver(peerOf(a, shy))).toThrow(/cannot take the baton/)
    // Whoever holds nothing to host is passed over.
    b.lower.setHoldsWorld(false)
    rig.run(500)
    expect(() => a.handOver(peerOf(a, b))).toThrow(/cannot take the baton/)
    b.lower.setHoldsWorld(true)
    rig.run(500)
    a.handOver(peerOf(a, b))
    rig.runUntil(() => b.isHost && !a.isHost, 1_000)
  })

  it('HM10: one that stood still comes back as a guest, to its own slot', () => {
    const { rig, networks } = room(3)
    const [a, b] = networks as [Network, Network, Network]
    const seen = changes(a)
    freeze(rig, a, 3_000)
    expect(b.isHost).toBe(true)
    rig.runUntil(() => a.host?.id === b.local.id && b.peers.length === 2, 5_000)
    expect([a.local.slot, a.isHost, seen.map(({ reason }) => reason)]).toEqual([1, false, ['returned']])
    expect([peerOf(b, a).slot, a.term]).toEqual([1, b.term])
  })
})

describe('who votes', { timeout: 60_000 }, () => {
  it('HM11: seven vote, the rest learn and move up when a place is free', () => {
    const { rig, networks } = room(9)
    const [a] = networks as [Network]
    expect([a.lower.inspect()!.voters.length, a.lower.inspect()!.learners]).toEqual([7, [8, 9]])
    networks[3]!.close()
    rig.runUntil(() => a.lower.inspect()!.learners.length === 1 && a.peers.length === 7, 5_000)
    expect(a.lower.inspect()!.voters).toEqual([1, 2, 3, 5, 6, 7, 8])
  })

  it('HM11: a member that may not host is passed over, and its vote counts', () => {
    const { rig, networks } = room(1)
    const [a] = networks as [Network]
    const shy = rig.join({ canHost: false })
    rig.runUntil(() => shy.isJoined)
    const c = rig.join()
    rig.runUntil(() => a.lower.inspect()!.voters.length === 3)
    rig.memory.lobbyDown()
    rig.run(500)
    rig.crash(a)
    rig.runUntil(() => c.isHost && shy.host?.id === c.local.id, 5_000)
  })
})

describe('without a quorum', { timeout: 60_000 }, () => {
  it('HM16: the state says how the decisions stand', () => {
    const { rig, networks } = room(3, { quorumLoss: 'wait' })
    const [a, b, c] = networks as [Network, Network, Network]
    const states: string[][] = [[], []]
    const look = (): void => {
      for (const [at, network] of [b, c].entries())
        if (states[at]!.at(-1) !== network.state) states[at]!.push(network.state)
    }
    const watch = (ms: number): void => {
      for (let step = 0; step < ms / 16; step++) {
        rig.frame()
        look()
      }
    }
    watch(200)
    rig.crash(a)
    watch(2_000)
    expect(b.isHost).toBe(true)
    for (const list of states) expect(list).toEqual(['stable', 'suspect', 'electing', 'stable'])
    rig.run(8_000)
    // Two are left, and the lobby makes the third vote.
    rig.memory.lobbyDown()
    rig.crash(c)
    rig.run(3_000)
    expect([b.state, b.isHost, b.lower.isActing]).toEqual(['frozen', true, false])
  })

  it('HM12: who waits in vain for links to a quorum is told after half a minute', () => {
    const { rig, networks } = room(3, { quorumLoss: 'wait' })
    const [a, b, c] = networks as [Network, Network, Network]
    const codes: string[] = []
    c.on('error', ({ code }) => codes.push(code))
    rig.memory.lobbyDown()
    rig.crash(a)
    rig.crash(b)
    rig.run(20_000)
    expect([c.state, codes]).toEqual(['frozen', []])
    rig.run(30_000)
    expect([c.state, codes]).toEqual(['closed', ['network/quorum-lost']])
  })

  it('HM12: of two without a lobby, whoever is left goes on alone as a session of its own', () => {
    const { rig, networks } = room(2)
    const [a, b] = networks as [Network, Network]
    rig.memory.lobbyDown()
    rig.run(1_000)
    const tag = b.sessionTag
    const seen = changes(b)
    rig.crash(a)
    rig.run(2_000)
    expect(b.isHost).toBe(false)
    rig.runUntil(() => b.isHost && b.lower.isActing, 4_000)
    rig.run(100)
    expect(seen.map(({ reason }) => reason)).toEqual(['fork'])
    expect([b.sessionTag === tag, b.lower.inspect()!.generation > 0, b.local.slot]).toEqual([false, true, 2])
  })
})
