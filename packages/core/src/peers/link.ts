/**
 * Everything this peer holds about the path to one other: queues, channels, what was heard.
 *
 * Invariant: a link is made once per connection; one that ended is replaced, never revived, so no
 * sequence or half a message outlives it.
 */
import type { ControlMessage, Hello, LogBase, Refuse, Standing, Welcome } from '@baton/schemas'
import { MAX_APPLICATION_MESSAGE_BYTES } from '../channels/application.ts'
import { Assembly } from '../channels/assembly.ts'
import type { NumberedChannel } from '../channels/numbered-channel.ts'
import { Outbox } from '../channels/outbox.ts'
import type { ErrorCode } from '../errors.ts'
import { SequenceWindow } from '../sequence/sequence-window.ts'
import type { PeerId } from '../transport/transport.ts'
import { Heartbeat } from './heartbeat.ts'

/** Reliable bytes that may wait for one peer on a fixed channel: four of the longest messages. */
export const CONTROL_CAP_BYTES = 4 * 1_048_576

/** Messages of a peer whose entry in the roster is still under way. */
export const MAX_EARLY_MESSAGES = 256
export const MAX_EARLY_BYTES = 2 * 1_048_576

export interface EarlyMessage {
  readonly message: ControlMessage
  readonly channel: number
}

export interface Link {
  readonly id: PeerId
  /** `pending`: the transport has not said `connected` yet; what is sent waits. */
  state: 'pending' | 'up' | 'down'
  /** When the state was entered. */
  sinceMs: number
  lastHeardMs: number
  /** When it was last pinged. */
  pingMs: number
  /** Control messages; they go before the application's on the same channel. */
  readonly control: Outbox
  readonly messages: Outbox
  readonly bulk: Outbox
  /** Unreliable messages of this frame. */
  readonly datagrams: Uint8Array[]
  datagramSequence: number
  readonly channels: Map<number, NumberedChannel>
  readonly assembly: Assembly
  readonly window: SequenceWindow
  readonly heartbeat: Heartbeat
  /** Highest term the peer has spoken in. Above 0 it is, or was, in a room. */
  term: number
  hello: Hello | undefined
  /** A leaking count. */
  helloCount: number
  helloTakenMs: number
  /** What the peer answered to this one's hello, kept until it is known whether it speaks as host. */
  answer:
    | { readonly term: number; readonly body: ({ type: 'Welcome' } & Welcome) | ({ type: 'Refuse' } & Refuse) }
    | undefined
  /** Joining: the log that the peer gave this one to begin with. */
  base: { readonly term: number; readonly body: LogBase } | undefined
  /** What the peer said of itself as a possible host. */
  standing: Standing | undefined
  /** It said hello and is no member: it waits to be let in. */
  hasAsked: boolean
  /** Host: the peer is to be let in, and has to be given a log. */
  isWaiting: boolean
  /** Host: the peer is to go; it is no member from the next roster on. */
  isExpelled: boolean
  /** When it was last asked to let this peer back in. */
  helloMs: number
  readonly early: EarlyMessage[]
  earlyBytes: number
  /** Term in which the pair was found to run the same protocol, with the hash; each is said once. */
  readyTerm: number
  readyHash: number
  /** Why the peer is to go, once that is decided. Nothing it says is heard any more. */
  dismissal: { readonly code: ErrorCode; readonly message: string } | undefined
  /** Host: when the peer was refused; it has a moment to read why. */
  refusedMs: number | undefined
  /** A leaking count of bad messages. */
  breachLevel: number
  breachMs: number
}

const CONTROL_LIMITS = { highWaterBytes: 262_144, lowWaterBytes: 65_536, capBytes: CONTROL_CAP_BYTES }

export function createLink(id: PeerId, nowMs: number, rateHz: () => number): Link {
  return {
    id,
    state: 'pending',
    sinceMs: nowMs,
    lastHeardMs: nowMs,
    pingMs: -Infinity,
    control: new Outbox(CONTROL_LIMITS),
    messages: new Outbox(CONTROL_LIMITS),
    bulk: new Outbox(CONTROL_LIMITS),
    datagrams: [],
    datagramSequence: 0,
    channels: new Map(),
    assembly: new Assembly(MAX_APPLICATION_MESSAGE_BYTES),
    window: new SequenceWindow(),
    heartbeat: new Heartbeat(rateHz),
    term: 0,
    hello: undefined,
    helloCount: 0,
    helloTakenMs: nowMs,
    answer: undefined,
    base: undefined,
    standing: undefined,
    hasAsked: false,
    isWaiting: false,
    isExpelled: false,
    helloMs: -Infinity,
    early: [],
    earlyBytes: 0,
    readyTerm: 0,
    readyHash: 0,
    dismissal: undefined,
    refusedMs: undefined,
    breachLevel: 0,
    breachMs: nowMs,
  }
}
