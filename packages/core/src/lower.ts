/**
 * The seam for packages that build on core, replication above all. Not for games.
 *
 * Invariant: what is taken here was checked by core: its sender is a member, and its bytes are
 * verified control messages, or packets of the replication's own kind.
 */
import { encodeControl, type ControlBody } from '@baton/schemas'
import { isActing } from './host/council.ts'
import { setHoldsWorld } from './host/hello.ts'
import { inspect, type HostInspection } from './host/inspect.ts'
import { appendToLog } from './host/room-host.ts'
import { announceProtocol } from './host/hello.ts'
import type { LogEvent } from './host/log-entry.ts'
import { invariant } from './errors.ts'
import type { Peer } from './peers/peer.ts'
import { sendBulk, sendControl } from './send-control.ts'
import { breach } from './peers/dismissal.ts'
import {
  pushChange,
  type PeerChange,
  type Protocol,
  type ReceivedControl,
  type ReceivedState,
  type Room,
} from './room.ts'
import { CHANNEL, type SendResult } from './transport/transport.ts'

/** What core offers to a package above it. Arrays it hands out are valid until the next call of the same function. */
export interface NetworkLower {
  /**
   * Says what this peer replicates; everyone is told. From here on changes, control messages and
   * state packets are kept to be taken, beginning with how things stand now.
   * @throws RangeError when the components do not fit one hello
   */
  setProtocol(protocol: Protocol): void
  /** Control messages that core does not consume itself, oldest first. */
  takeControl(): readonly ReceivedControl[]
  /** Packets of the state channel whose first byte's high nibble is 1. `data` belongs to the taker. */
  takeState(): readonly ReceivedState[]
  /** What has become of the log since the last call, oldest first. Take this after changes and before control. */
  takeLog(): readonly LogEvent[]
  /**
   * Host: writes an entry at the end of the log; it is committed once a quorum holds it, which with
   * nobody else to ask is at once. Look at `takeLog` after this.
   * @param requester slot of the member that asked for it
   * @returns its index; `undefined` where this peer may not write: it does not host, has lost its lease,
   *   or is handing the room over
   * @throws RangeError when the body does not fit
   */
  append(body: ControlBody, requester: number): number | undefined
  /** This peer hosts and holds its lease: it may answer requests and send others' state. */
  readonly isActing: boolean
  /** Position up to which this peer's log is committed. */
  readonly commitIndex: number
  /** Who came, went, became host or ready, oldest first. Take these before control and state. */
  takeChanges(): readonly PeerChange[]
  /** Queues on the control channel for this frame's flush. @throws RangeError when the body does not fit */
  sendControl(peer: Peer, body: ControlBody, index?: number): SendResult
  /** Queues on the bulk channel for this frame's flush. @throws RangeError when the body does not fit */
  sendBulk(peer: Peer, body: ControlBody): SendResult
  /**
   * Sends on the state channel at once. `packet` is copied. A host without a lease sends nothing: `dropped`.
   * @throws InvariantError over 1,100 bytes
   */
  sendState(peer: Peer, packet: Uint8Array): SendResult
  /** Bytes that wait here and in the transport, on a fixed or numbered channel. */
  bufferedBytes(peer: Peer, channel: number): number
  /** Says whether this peer holds what is replicated. One that does not is not made host. */
  setHoldsWorld(holdsWorld: boolean): void
  /** What this peer holds true about the host, for tests and tools. */
  inspect(): HostInspection | undefined
  /** Counts a message that no honest peer sends; over a limit the peer is disconnected. */
  breach(peer: Peer, reason: string): void
}

export function createLower(room: Room): NetworkLower {
  const takers = {
    changes: taker(room.changes),
    log: taker(room.logEvents),
    control: taker(room.control),
    packets: taker(room.packets),
  }
  return {
    setProtocol: (protocol) => setProtocol(room, protocol),
    takeControl: takers.control,
    takeState: takers.packets,
    takeLog: takers.log,
    append: (body, requester) => appendToLog(room, body, requester),
    get isActing() {
      return room.machine !== undefined && isActing(room.machine)
    },
    get commitIndex() {
      return room.machine?.log.commit ?? 0
    },
    takeChanges: takers.changes,
    sendControl(peer, body, index) {
      const link = room.links.get(peer.id)
      return link === undefined ? 'closed' : sendControl(room, link, body, index)
    },
    sendBulk(peer, body) {
      const link = room.links.get(peer.id)
      return link === undefined ? 'closed' : sendBulk(room, link, body)
    },
    sendState: (peer, packet) => sendState(room, peer, packet),
    setHoldsWorld: (holdsWorld) => setHoldsWorld(room, holdsWorld),
    inspect: () => inspect(room),
    bufferedBytes: (peer, channel) => bufferedBytes(room, peer, channel),
    breach(peer, reason) {
      const link = room.links.get(peer.id)
      if (link !== undefined) breach(room, link, reason)
    },
  }
}

/** HM2: what a host sends without a lease could contradict its successor. While it hands over it still may. */
function sendState(room: Room, peer: Peer, packet: Uint8Array): SendResult {
  const { machine } = room
  const mayAct = machine?.role !== 'host' || machine.reign?.releasing !== undefined || isActing(machine)
  return mayAct ? room.transport.send(peer.id, CHANNEL.state, packet) : 'dropped'
}

/** Empties `source` into an array of its own that is used again at the next call. */
function taker<T>(source: T[]): () => readonly T[] {
  const taken: T[] = []
  return () => {
    taken.length = 0
    for (const item of source) taken.push(item)
    source.length = 0
    return taken
  }
}

function setProtocol(room: Room, protocol: Protocol): void {
  invariant(room.state !== 'closed', 'setProtocol: the network is closed; join a room first')
  const { hash, components } = protocol
  const probe = { type: 'Hello', protocolVersion: 0, protocolHash: hash, components, sessionTag: 0, slot: 0 } as const
  encodeControl({ term: 0, index: 0, body: probe })
  const isFirst = room.protocol === undefined
  room.protocol = protocol
  if (isFirst && room.state === 'joined') {
    for (const peer of room.peers) {
      pushChange(room, 'entered', peer)
      if (peer.linked) pushChange(room, 'linked', peer)
    }
    if (room.host !== undefined) pushChange(room, 'hostchanged', room.host)
  }
  announceProtocol(room)
}

function bufferedBytes(room: Room, peer: Peer, channel: number): number {
  const link = room.links.get(peer.id)
  if (link === undefined) return 0
  const inTransport = room.transport.bufferedBytes(peer.id, channel)
  if (channel === CHANNEL.control) return inTransport + link.control.queuedBytes + link.messages.queuedBytes
  if (channel === CHANNEL.bulk) return inTransport + link.bulk.queuedBytes
  return inTransport + (link.channels.get(channel)?.outbox.queuedBytes ?? 0)
}
