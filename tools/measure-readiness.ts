/**
 * `tsx tools/measure-readiness.ts`: what it costs, while nothing happens, that any voter can take over: bytes
 * a second and link for beats, their acks and pings, and what one entry of the log costs.
 *
 * Invariant: real core over a network in memory; what is counted is what the transport was given, without the
 * headers of UDP, DTLS and SCTP.
 */
import type { Network, Transport } from '@baton/core'
import { createNetworkRig } from '@baton/core/testing'

const SECONDS = 20
const KINDS = ['pings', 'messages', 'beats', 'acks'] as const
const CONTROL = 0
const STATE = 1

interface Count {
  readonly bytes: Record<(typeof KINDS)[number] | 'control', number>
  packets: number
}

const counts = new Map<string, Count>()

function countOf(id: string): Count {
  let count = counts.get(id)
  if (count === undefined) {
    counts.set(id, (count = { bytes: { pings: 0, messages: 0, beats: 0, acks: 0, control: 0 }, packets: 0 }))
  }
  return count
}

function counting(transport: Transport): Transport {
  return new Proxy(transport, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'send') return value.bind(target) as unknown
      return (peer: string, channel: number, data: Uint8Array) => {
        const count = countOf(target.local)
        const kind = channel === CONTROL ? 'control' : channel === STATE ? KINDS[data[0]!] : undefined
        if (kind !== undefined) count.bytes[kind] += data.length
        count.packets++
        return target.send(peer, channel, data)
      }
    },
  })
}

for (const size of [2, 4, 8]) {
  counts.clear()
  const rig = createNetworkRig({ seed: size, conditions: { latencyMs: 20 }, frameMs: 1_000 / 60 })
  const networks: Network[] = []
  for (let index = 0; index < size; index++) networks.push(rig.join({}, counting))
  rig.runUntil(() => networks.every((one) => one.isJoined && one.peers.length === size - 1))
  rig.run(3_000)
  counts.clear()
  rig.run(SECONDS * 1_000)
  const [host, guest] = networks
  const perLink = (network: Network, links: number): string => {
    const { bytes, packets } = countOf(network.local.id)
    const figure = (value: number): string => (value / SECONDS / links).toFixed(0)
    const cells = [bytes.beats + bytes.acks, bytes.pings, bytes.control, packets].map(figure)
    return cells.join(' | ')
  }
  if (size === 2) {
    console.log(
      '| members | who | beats or acks, B/s per link | pings, B/s per link | log, B/s per link | packets/s per link |',
    )
    console.log('| --- | --- | --- | --- | --- | --- |')
  }
  console.log(`| ${size} | host | ${perLink(host!, size - 1)} |`)
  console.log(`| ${size} | guest | ${perLink(guest!, size - 1)} |`)
}
