import { describe, expect, it } from 'vitest'
import { NetworkError } from './errors.ts'
import type { Network } from './network.ts'
import type { Transport } from './transport/transport.ts'
import { createNetworkRig, SeededRandom, type LinkConditions, type NetworkRig } from './testing/index.ts'

const BAD: Partial<LinkConditions> = { latencyMs: 40, jitterMs: 30, loss: 0.3, duplicate: 0.2, reorder: 0.3 }

/** True when a network lists the others in the order its host does: the host first. */
function hasOrderOf(network: Network, host: Network): boolean {
  const order = [host.local, ...host.peers].map((peer) => peer.id)
  const own = network.peers.map((peer) => peer.id)
  return own.join() === order.filter((id) => id !== network.local.id).join()
}

function membersOf(network: Network): string {
  return [network.local, ...network.peers]
    .map((peer) => `${peer.id}:${peer.slot}${peer.isHost ? ' host' : ''}`)
    .sort()
    .join(', ')
}

function agree(networks: readonly Network[]): boolean {
  const host = networks.find((network) => network.isHost)
  return (
    host !== undefined &&
    networks.every(
      (network) =>
        network.isJoined &&
        network.host?.id === host.local.id &&
        network.term === host.term &&
        network.peers.length === networks.length - 1 &&
        membersOf(network) === membersOf(host) &&
        hasOrderOf(network, host),
    )
  )
}

/** Records what a network's events say, in words. */
function record(network: Network): string[] {
  const log: string[] = []
  network.on('joined', () => log.push(`joined as ${network.local.slot} under ${network.host?.id}`))
  network.on('peerentered', (peer) => log.push(`entered ${peer.id}`))
  network.on('peerexited', (peer) => log.push(`exited ${peer.id}`))
  network.on('hostchanged', (host) => log.push(`host ${host.id} term ${network.term}`))
  network.on('error', (error) => log.push(`error ${error.code}`))
  network.on('closed', () => log.push('closed'))
  return log
}

function settled(rig: NetworkRig, limitMs?: number): void {
  rig.runUntil(() => agree(rig.networks), limitMs)
}

describe('joining', { timeout: 60_000 }, () => {
  it('NW1: the first peer founds the room at once: slot 1, term 1, a random session tag', () => {
    const rig = createNetworkRig({ seed: 1 })
    const a = rig.join({ startTick: 0xffff_fff0, tickRateHz: 50 })
    const log = record(a)
    rig.frame()
    expect([a.state, a.isHost, a.host === a.local, a.local.slot, a.term]).toEqual(['stable', true, true, 1, 1])
    expect(a.sessionTag).toBeGreaterThan(0)
    expect(log).toEqual(['joined as 1 under peer-1'])
    rig.run(1_000)
    expect(a.tick(rig.nowMs)).toBeLessThan(60)
    expect(a.tickRateHz).toBe(50)
  })

  it('NW2: a joiner learns slot, host, session, tick and rate; each enters once for everyone', () => {
    const rig = createNetworkRig({ seed: 2, conditions: { latencyMs: 30 } })
    const a = rig.join({ startTick: 1_000_000, tickRateHz: 50 })
    const b = rig.join()
    const logs = [a, b].map(record)
    settled(rig)
    rig.run(2_000)
    expect(logs).toEqual([
      ['joined as 1 under peer-1', 'entered peer-2'],
      ['joined as 2 under peer-1', 'entered peer-1'],
    ])
    expect([b.sessionTag, b.term, b.tickRateHz]).toEqual([a.sessionTag, 1, 50])
    expect(Math.abs(b.exactTick(rig.nowMs) - a.exactTick(rig.nowMs))).toBeLessThan(1.5)
    expect(b.host!.displayName).toBe('peer-1')
    expect(b.host!.rttMs).toBeGreaterThanOrEqual(60)
    expect(b.host!.rttMs).toBeLessThan(130)
    expect(b.host!.stats!.route).toBe('memory')
    expect(a.counters.breaches + b.counters.breaches).toBe(0)
  })

  it('NW3: under loss, jitter, duplicates and reordering all agree on members, slots, order and tick', () => {
    for (let seed = 0; seed < 25; seed++) {
      const rig = createNetworkRig({ seed, conditions: BAD })
      const random = new SeededRandom(seed)
      rig.join({ startTick: random.pick([0, 2 ** 16 - 100, 2 ** 31 - 100, 2 ** 32 - 100]) })
      for (let index = 0; index < 4; index++) {
        rig.run(random.range(0, 400))
        rig.join()
      }
      settled(rig)
      rig.run(6_000)
      expect(agree(rig.networks)).toBe(true)
      const [host] = rig.networks
      for (const network of rig.networks) {
        expect(network.counters.breaches).toBe(0)
        expect(Math.abs(((network.tick(rig.nowMs) - host!.tick(rig.nowMs)) << 0) | 0)).toBeLessThanOrEqual(6)
      }
      expect(new Set(rig.networks.map((network) => network.local.slot))).toEqual(new Set([1, 2, 3, 4, 5]))
    }
  })

  it('NW4: slots are never given twice in a session, whoever comes and goes', () => {
    for (let seed = 0; seed < 40; seed++) {
      const rig = createNetworkRig({ seed, conditions: { latencyMs: 20 } })
      const random = new SeededRandom(seed)
      const owners = new Map<string, string>()
      rig.join()
      for (let step = 0; step < 12; step++) {
        if (rig.networks.length < 2 || random.chance(0.6)) rig.join()
        else random.pick(rig.networks).close()
        rig.run(random.range(0, 600))
        for (const network of rig.networks) {
          for (const { slot, id } of [network.local, ...network.peers]) {
            if (slot === 0) continue
            const place = `${network.sessionTag} ${slot}`
            expect(owners.get(place) ?? id, `seed ${seed} slot ${slot}`).toBe(id)
            owners.set(place, id)
          }
        }
      }
      settled(rig)
    }
  })

  it('NW5: a full room refuses with lobby/room-full, and nobody else notices', () => {
    const rig = createNetworkRig({ seed: 5 })
    const [a, b] = rig.room(2, { capacity: 2 })
    const logs = [a!, b!].map(record)
    const c = rig.join()
    const log = record(c)
    rig.runUntil(() => c.state === 'closed')
    rig.run(3_000)
    expect(log).toEqual(['error lobby/room-full', 'closed'])
    expect(logs).toEqual([[], []])
    expect(agree(rig.networks)).toBe(true)
  })

  it('NW6: a joiner that nobody answers gives up with network/join-timeout', () => {
    const rig = createNetworkRig({ seed: 6 })
    const a = rig.join()
    rig.frame()
    rig.stop(a)
    const b = rig.join({ joinTimeoutMs: 3_000 })
    const log = record(b)
    rig.run(2_900)
    expect(b.state).toBe('joining')
    rig.run(300)
    expect(log).toEqual(['error network/join-timeout', 'closed'])
  })

  it('NW7: with the lobby gone the room plays on, and loses and replaces its host', () => {
    const rig = createNetworkRig({ seed: 7, conditions: { latencyMs: 20 } })
    const [a, b, c] = rig.room(3)
    rig.memory.lobbyDown()
    rig.run(1_000)
    const heard: unknown[] = []
    c!.on('message', (message) => heard.push(message.data))
    b!.broadcast('still here')
    rig.run(200)
    expect(heard).toEqual(['still here'])
    a!.close()
    settled(rig)
    expect([b!.isHost, c!.host!.id, c!.term]).toEqual([true, b!.local.id, 2])
  })

  it('NW8: a lobby that lists members in another order does not make a second host', () => {
    const rig = createNetworkRig({ seed: 8, conditions: { latencyMs: 20 } })
    const [a] = rig.room(2)
    const late = rig.join({}, reversedRoster)
    settled(rig)
    expect(late.host!.id).toBe(a!.local.id)
    expect(late.local.slot).toBe(3)
  })

  it('NW8: a newcomer that the lobby lists first waits for a room that is between two hosts', () => {
    const rig = createNetworkRig({ seed: 88, conditions: { latencyMs: 20 } })
    const [a, b] = rig.room(2, { peerTimeoutMs: 4_000 })
    rig.crash(a!)
    const late = rig.join({}, reversedRoster)
    rig.run(3_000)
    expect([late.state, b!.host?.id]).toEqual(['joining', 'peer-1'])
    settled(rig)
    expect([late.host!.id, late.sessionTag, late.term]).toEqual([b!.local.id, b!.sessionTag, b!.term])
  })

  it('NW9: a peer that falls silent is dropped after peerTimeoutMs, by host and guests', () => {
    const rig = createNetworkRig({ seed: 9, conditions: { latencyMs: 10 } })
    const [a, b, c] = rig.room(3, { peerTimeoutMs: 2_000 })
    const log = record(a!)
    rig.stop(c!)
    rig.run(1_600)
    expect(a!.peers.length).toBe(2)
    rig.run(900)
    expect(log).toEqual([`exited ${c!.local.id}`])
    expect(agree([a!, b!])).toBe(true)
  })

  it('NW10: a peer that was itself asleep does not take the others for dead', () => {
    const rig = createNetworkRig({ seed: 10, conditions: { latencyMs: 10 } })
    const [a, b] = rig.room(2, { peerTimeoutMs: 3_000 })
    const logs = [a!, b!].map(record)
    // Neither runs for a while: a laptop that slept finds everybody's last words old.
    rig.memory.setConditions({ cut: true })
    rig.memory.advance(10_000)
    rig.run(20)
    rig.memory.setConditions({ cut: false })
    rig.run(5_000)
    expect(logs).toEqual([[], []])
    expect(agree([a!, b!])).toBe(true)
  })
})

describe('the transport', () => {
  it('NW31: what it reports as failed comes out as an error event, and nothing else changes', () => {
    const rig = createNetworkRig({ seed: 31 })
    const failure = new NetworkError('lobby/closed', 'lobby: it went away')
    const reports = [failure]
    const [a] = rig.room(1)
    const b = rig.join({}, (own) => ({
      ...bind(own),
      local: own.local,
      poll: (nowMs, handle) => {
        own.poll(nowMs, handle)
        for (const error of reports.splice(0)) handle({ kind: 'failed', error })
      },
    }))
    const errors: unknown[] = []
    b.on('error', (error) => errors.push(error))
    settled(rig)
    expect([errors, a!.peers.length, b.state]).toEqual([[failure], 1, 'stable'])
  })
})

describe('a slow peer', () => {
  it('CH17: what waits for a peer during this one sleeping is not held against the peer', () => {
    for (const sleepMs of [8_000, 0]) {
      const rig = createNetworkRig({ seed: 'slow', conditions: { latencyMs: 10 } })
      const [a, b] = rig.room(2, { peerTimeoutMs: 60_000 })
      const logs = [a!, b!].map(record)
      rig.memory.link(a!.local.id, b!.local.id).rateBytesPerSecond = 1_500
      a!.broadcast(new Uint8Array(100_000))
      rig.run(100)
      rig.memory.advance(sleepMs)
      if (sleepMs === 0) rig.run(10_000)
      rig.run(500)
      if (sleepMs === 0) expect(logs[0]).toEqual(['error peer/slow', 'exited peer-2'])
      else expect(logs[0]).toEqual([])
    }
  })
})

/** A restarted lobby knows the latest member first. */
function reversedRoster(transport: Transport): Transport {
  return {
    ...bind(transport),
    local: transport.local,
    poll: (nowMs, handle) =>
      transport.poll(nowMs, (event) =>
        handle(event.kind === 'roster' ? { kind: 'roster', members: [...event.members].reverse() } : event),
      ),
  }
}

/** A transport's methods as plain functions, so that one can be replaced. */
function bind(transport: Transport) {
  return {
    send: transport.send.bind(transport),
    openChannel: transport.openChannel.bind(transport),
    closeChannel: transport.closeChannel.bind(transport),
    bufferedBytes: transport.bufferedBytes.bind(transport),
    stats: transport.stats.bind(transport),
    disconnect: transport.disconnect.bind(transport),
    close: transport.close.bind(transport),
  }
}

describe('a host that slept', () => {
  it('CK8: makes up for the time that its second clock alone has seen, so that no guest stands still for it', () => {
    const rig = createNetworkRig({ seed: 'nap', conditions: { latencyMs: 20 } })
    let asleepMs = 0
    const host = rig.join({ wallClock: () => rig.nowMs + asleepMs })
    const guest = rig.join()
    rig.runUntil(() => guest.isJoined)
    rig.run(2_000)
    const before = host.tick(rig.nowMs)
    asleepMs = 3_000
    rig.frame()
    const jump = host.tick(rig.nowMs) - before
    expect([jump >= 180, jump < 190, host.isHost]).toEqual([true, true, true])
    // A clock that was set by an hour is no sleep.
    asleepMs += 3_600_000
    rig.frame()
    expect(host.tick(rig.nowMs) - before).toBeLessThan(195)
  })
})

describe('succession', { timeout: 60_000 }, () => {
  it('HO1: when the host leaves, the next in the roster hosts in term + 1, and ticks go on', () => {
    for (const leave of ['close', 'crash'] as const) {
      const rig = createNetworkRig({ seed: leave, conditions: { latencyMs: 30, jitterMs: 10 } })
      const [a, b, c, d] = rig.room(4, { peerTimeoutMs: 2_000, startTick: 0xffff_fe00 })
      rig.run(3_000)
      const logs = [b!, c!, d!].map(record)
      const ticks = [b!, c!, d!].map((network) => network.tick(rig.nowMs))
      if (leave === 'close') a!.close()
      else rig.crash(a!)
      settled(rig, 10_000)
      expect(b!.isHost).toBe(true)
      for (const [index, network] of [b!, c!, d!].entries()) {
        expect(network.host!.id).toBe(b!.local.id)
        expect((network.tick(rig.nowMs) - ticks[index]!) | 0).toBeGreaterThan(0)
        expect(logs[index]).toEqual(['host peer-2 term 2', 'exited peer-1'])
      }
      expect(c!.peers[0]!.id).toBe('peer-2')
    }
  })

  it('HO2: host and successor gone together, the third hosts, and nobody uses the term between', () => {
    for (let seed = 0; seed < 30; seed++) {
      const rig = createNetworkRig({ seed, conditions: { latencyMs: 30, jitterMs: 20 } })
      const random = new SeededRandom(seed)
      const [a, b, c, d, e] = rig.room(5, { peerTimeoutMs: 2_000 })
      const gone = random.chance(0.5) ? [a!, b!] : [b!, a!]
      for (const network of gone) {
        if (random.chance(0.5)) network.close()
        else rig.crash(network)
        rig.run(random.range(0, 60))
      }
      settled(rig, 15_000)
      expect([c!.isHost, d!.host!.id, e!.host!.id]).toEqual([true, c!.local.id, c!.local.id])
      expect(c!.term).toBeLessThanOrEqual(3)
    }
  })

  it('HO3: a member that did not hear the goodbye follows the votes of the others', () => {
    const rig = createNetworkRig({ seed: 'early', conditions: { latencyMs: 20 } })
    const [a, b, c] = rig.room(3, { peerTimeoutMs: 4_000 })
    rig.run(1_000)
    const log = record(c!)
    rig.memory.link(a!.local.id, c!.local.id).cut = true
    rig.memory.lobbyDown()
    a!.close()
    // Two of three must agree, and c has to wait for its lease to run out.
    rig.runUntil(() => b!.isHost, 3_000)
    rig.runUntil(() => c!.host?.id === b!.local.id, 100)
    settled(rig, 15_000)
    expect(log).toEqual(['host peer-2 term 2', 'exited peer-1'])
  })

  it('HO4: a joiner gets in while the host leaves, with a slot nobody else has', () => {
    let rejoins = 0
    for (let seed = 0; seed < 100; seed++) {
      const rig = createNetworkRig({ seed, conditions: { latencyMs: 30, jitterMs: 40, loss: 0.1 } })
      const random = new SeededRandom(seed)
      rig.room(3, { peerTimeoutMs: 2_000 })
      const joiner = rig.join({ peerTimeoutMs: 2_000 })
      const log = record(joiner)
      rig.run(random.range(0, 500))
      const [a] = rig.networks
      if (random.chance(0.5)) a!.close()
      else rig.crash(a!)
      settled(rig, 30_000)
      const wasIn = log[0]?.includes('under peer-1') ?? false
      if (wasIn && log.some((line) => line.startsWith('host'))) rejoins++
      expect(rig.networks.length, `seed ${seed}: ${log.join()}`).toBe(3)
      expect(new Set(rig.networks.map((network) => network.local.slot)).size).toBe(3)
      expect(log.filter((line) => line.startsWith('joined')).length).toBe(1)
      for (const network of rig.networks) expect(network.counters.breaches).toBe(0)
    }
    expect(rejoins).toBeGreaterThan(3)
  })

  it('HM12: who is left out of a fork is told to join again, and nobody has its slot', () => {
    const rig = createNetworkRig({ seed: 'gap', conditions: { latencyMs: 20 } })
    const options = { peerTimeoutMs: 2_000 }
    const [a, b] = rig.room(2, options)
    rig.run(1_000)
    // x is let in by the host and the lobby's vote alone: b never hears of it.
    rig.memory.link(a!.local.id, b!.local.id).cut = true
    const x = rig.join(options)
    rig.runUntil(() => x.isJoined)
    expect([x.local.slot, b!.peers.length]).toEqual([3, 1])
    const log = record(x)
    rig.crash(a!)
    rig.runUntil(() => b!.isHost || x.isHost, 20_000)
    rig.run(2_000)
    const [host, other] = b!.isHost ? [b!, x] : [x, b!]
    expect(other.isJoined ? other.host?.id : 'out').toBe(other.isJoined ? host.local.id : 'out')
    if (!x.isJoined) expect(log).toContain('error network/quorum-lost')
    for (const network of rig.networks) expect(network.counters.breaches).toBe(0)
  })

  it('HO8: a successor that was never reached is passed over', () => {
    const rig = createNetworkRig({ seed: 'pending', conditions: { latencyMs: 20 } })
    const options = { peerTimeoutMs: 3_000 }
    const [a, b] = rig.room(2, options)
    rig.crash(b!)
    const c = rig.join(options)
    const d = rig.join(options)
    rig.runUntil(() => c.peers.length === 3 && d.peers.length === 3)
    rig.crash(a!)
    settled(rig, 20_000)
    expect([c.isHost, d.host!.id]).toEqual([true, c.local.id])
  })

  it('HO5: a peer that only lost its own link to the host ends with peer/timeout, and the room goes on', () => {
    const rig = createNetworkRig({ seed: 'orphan', conditions: { latencyMs: 20 } })
    const [a, b, c] = rig.room(3, { peerTimeoutMs: 2_000 })
    const log = record(c!)
    rig.memory.cut(a!.local.id, c!.local.id)
    rig.run(12_000)
    expect(log).toEqual(['error peer/timeout', 'closed'])
    expect(agree([a!, b!])).toBe(true)
  })

  it('HO6: random comings and goings end with one host and one roster everywhere', () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = new SeededRandom(`churn ${seed}`)
      const conditions = random.chance(0.5) ? BAD : { latencyMs: random.range(0, 80), jitterMs: random.range(0, 40) }
      const rig = createNetworkRig({ seed, conditions, frameMs: random.pick([8, 16, 33]) })
      const options = { peerTimeoutMs: 2_000 }
      rig.room(random.integer(1, 4), options)
      const terms = new Map<Network, number>()
      for (let step = 0; step < 10; step++) {
        const open = rig.networks.filter((one) => one.state !== 'closed')
        const network = random.pick(open)
        const kind = random.integer(0, 5)
        if (kind <= 2 && open.length < 7) rig.join(options)
        else if (kind === 3 && open.length > 1) network.close()
        else if (kind === 4 && open.length > 1) rig.crash(network)
        else network.broadcast(`step ${step}`)
        rig.run(random.pick([0, 16, 100, 1_000]))
        for (const one of rig.networks) {
          expect(one.term).toBeGreaterThanOrEqual(terms.get(one) ?? 0)
          terms.set(one, one.term)
        }
      }
      try {
        settled(rig, 40_000)
      } catch {
        const views = rig.networks.map((network) => `${network.local.id} ${network.state}: ${membersOf(network)}`)
        expect.fail(`seed ${seed} did not settle: ${views.join(' / ')}`)
      }
      expect(rig.networks.filter((network) => network.isHost).length).toBe(1)
      // Two rooms founded in one instant exchange a word or two that neither expects.
      for (const network of rig.networks) expect(network.counters.breaches, `seed ${seed}`).toBeLessThan(5)
    }
  })
})
