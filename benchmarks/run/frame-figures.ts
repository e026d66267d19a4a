/**
 * What a frame costs: `receive` and `send` on the host and on a guest, µs and bytes allocated, and what
 * one guest is sent.
 *
 * Real networks and replications over links that cost nothing themselves; acks come back six frames
 * after their packets. Motion is that of `crate-motion.ts`, and each guest walks.
 */
import { countAllocatedBytes } from '../../packages/replication/test/allocated-bytes.ts'
import { createSteadyRoom, type SteadyPeer, type SteadyRoom } from '../../packages/replication/test/steady-room.ts'
import { median, quantile } from './statistics.ts'
import { createCrates, stepCrates, type Crates } from '../workloads/crate-motion.ts'

const GUESTS = 8
const ACK_FRAMES = 6
const WARM_UP_FRAMES = 200
const TIMED_FRAMES = 300
const COUNTED_FRAMES = 100
/** An id and seven floats. */
const UNCOMPRESSED_BYTES = 4 + 7 * 4

export interface FrameCost {
  readonly p50Us: number
  readonly p99Us: number
  readonly allocatedBytes: number
}

export interface FrameFigures {
  readonly entities: number
  readonly moving: number
  readonly guests: number
  readonly host: FrameCost
  readonly guest: FrameCost
  /** State packets to one guest, headers and acks included. */
  readonly bytesPerSecond: number
  readonly packetsPerTick: number
  readonly bytesPerMoving: number
  readonly uncompressedBytesPerSecond: number
}

/** Frames of a room of `entities`, `moving` of them, the guests' own included. */
function measureFrames(entities: number, moving: number): FrameFigures {
  const room = createSteadyRoom({ entities, guests: GUESTS, ackFrames: ACK_FRAMES })
  const crates = createCrates(entities - GUESTS, moving - GUESTS, 5)
  const [guest, ...others] = room.guests as [SteadyPeer, ...SteadyPeer[]]
  const hostUs: number[] = []
  const guestUs: number[] = []

  function frame(measureHost: (work: () => void) => void, measureGuest: (work: () => void) => void): void {
    room.next()
    stepCrates(crates)
    measureHost(() => room.host.replication.receive(room.nowMs))
    showCrates(room.host, crates)
    measureHost(() => room.host.replication.send(room.nowMs))
    walk(room)
    measureGuest(() => guest.replication.receive(room.nowMs))
    measureGuest(() => guest.replication.send(room.nowMs))
    for (const { replication } of others) {
      replication.receive(room.nowMs)
      replication.send(room.nowMs)
    }
  }

  for (let at = 0; at < WARM_UP_FRAMES; at += 1) frame(run, run)
  const { sent } = room.host.transport
  const before = { ...sent }
  for (let at = 0; at < TIMED_FRAMES; at += 1) {
    hostUs.push(0)
    guestUs.push(0)
    frame(
      (work) => (hostUs[at]! += timeUs(work)),
      (work) => (guestUs[at]! += timeUs(work)),
    )
  }
  const bytes = (sent.bytes - before.bytes) / GUESTS / TIMED_FRAMES
  const packets = (sent.packets - before.packets) / GUESTS / TIMED_FRAMES
  const allocated = { host: [] as number[], guest: [] as number[] }
  for (let at = 0; at < COUNTED_FRAMES; at += 1) {
    let [hostBytes, guestBytes] = [0, 0]
    frame(
      (work) => (hostBytes += countAllocatedBytes(work)),
      (work) => (guestBytes += countAllocatedBytes(work)),
    )
    allocated.host.push(hostBytes)
    allocated.guest.push(guestBytes)
  }
  // A guest is not sent what it simulates itself.
  const rows = moving - 1
  return {
    entities,
    moving,
    guests: GUESTS,
    host: { ...percentiles(hostUs), allocatedBytes: median(allocated.host) },
    guest: { ...percentiles(guestUs), allocatedBytes: median(allocated.guest) },
    bytesPerSecond: bytes * 60,
    packetsPerTick: packets,
    bytesPerMoving: bytes / rows,
    uncompressedBytesPerSecond: UNCOMPRESSED_BYTES * rows * 60,
  }
}

function run(work: () => void): void {
  work()
}

/** Processor time, so that other programs on the machine do not count. */
function timeUs(work: () => void): number {
  const start = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(start)
  return user + system
}

/** The game's part: what the simulation says goes into the columns. */
function showCrates({ game, simulated }: SteadyPeer, { position, rotation, moving }: Crates): void {
  const { translation, rotation: turn } = game.Transform
  for (const crate of moving) {
    const eid = simulated[crate]!
    translation.x[eid] = position[crate * 3]!
    translation.y[eid] = position[crate * 3 + 1]!
    translation.z[eid] = position[crate * 3 + 2]!
    turn.x[eid] = rotation[crate * 4]!
    turn.y[eid] = rotation[crate * 4 + 1]!
    turn.z[eid] = rotation[crate * 4 + 2]!
    turn.w[eid] = rotation[crate * 4 + 3]!
  }
}

/** Each guest walks its round and looks where it goes. */
function walk({ guests, nowMs }: SteadyRoom): void {
  for (let at = 0; at < guests.length; at += 1) {
    const { game, simulated } = guests[at]!
    const { translation, rotation } = game.Transform
    const eid = simulated[0]!
    const angle = nowMs / 2_000 + at
    translation.x[eid] = Math.cos(angle) * 6
    translation.y[eid] = 1
    translation.z[eid] = Math.sin(angle) * 6
    rotation.y[eid] = Math.sin(-angle / 2)
    rotation.w[eid] = Math.cos(-angle / 2)
  }
}

function percentiles(values: readonly number[]): { p50Us: number; p99Us: number } {
  return { p50Us: median(values), p99Us: quantile(values, 0.99) }
}

/** The rooms of the table. */
export function measureRooms(isQuick: boolean): FrameFigures[] {
  return isQuick ? [measureFrames(1_000, 100)] : [measureFrames(1_000, 100), measureFrames(10_000, 1_000)]
}

/** Steady state of rooms that differ only in how many entities rest. */
export function measureAllocation(isQuick: boolean): FrameFigures[] {
  return (isQuick ? [100] : [100, 1_000, 5_000]).map((entities) => measureFrames(entities, 50))
}

export function frameTables(rooms: readonly FrameFigures[], resting: readonly FrameFigures[]): string {
  const lines = [
    `${GUESTS} guests, acks ${ACK_FRAMES} frames back; \`receive\` + \`send\`, µs a frame.`,
    '',
    '| entities | moving | host p50 | host p99 | guest p50 | guest p99 |',
    '|---:|---:|---:|---:|---:|---:|',
    ...rooms.map(
      ({ entities, moving, host, guest }) =>
        `| ${entities} | ${moving} | ${[host.p50Us, host.p99Us, guest.p50Us, guest.p99Us].map((us) => us.toFixed(0)).join(' | ')} |`,
    ),
    '',
    'State sent to one guest, headers included; uncompressed is an id and seven floats a row.',
    '',
    '| entities | moving | kB/s | uncompressed kB/s | bytes per moving entity and tick | uncompressed | packets per tick |',
    '|---:|---:|---:|---:|---:|---:|---:|',
    ...rooms.map(
      ({ entities, moving, bytesPerSecond, uncompressedBytesPerSecond, bytesPerMoving, packetsPerTick }) =>
        `| ${entities} | ${moving} | ${(bytesPerSecond / 1000).toFixed(1)} | ${(uncompressedBytesPerSecond / 1000).toFixed(1)} | ${bytesPerMoving.toFixed(2)} | ${UNCOMPRESSED_BYTES} | ${packetsPerTick.toFixed(2)} |`,
    ),
    '',
    'Bytes allocated in a frame, median, with the same number moving.',
    '',
    '| entities | moving | host | guest |',
    '|---:|---:|---:|---:|',
    ...resting.map(
      ({ entities, moving, host, guest }) =>
        `| ${entities} | ${moving} | ${host.allocatedBytes.toFixed(0)} | ${guest.allocatedBytes.toFixed(0)} |`,
    ),
  ]
  return lines.join('\n')
}
