/**
 * The bytes of what members say to one another about the host: beats in a layout of their own, for they
 * are sent all the time; everything else as control messages.
 *
 * Invariant: votes and beats travel unreliably and are repeated; entries and what must not be lost travel
 * in order on the control channel. Layout: docs/wire-format.md, HB rules.
 */
import { encodeControl, type ControlBody } from '@baton/schemas'
import type { Beat, BeatAck, HostMessage } from './messages.ts'

/** First byte on the state channel: an encoded control message follows. */
export const STATE_KIND_CONTROL = 0x00
export const STATE_KIND_BEAT = 0x02
export const STATE_KIND_BEAT_ACK = 0x03

const BEAT_BYTES = 16
const BEAT_ACK_BYTES = 19

/** @param sessionTag its low 16 bits travel, so that no beat crosses into another session or generation */
export function writeBeat(term: number, sessionTag: number, { sequence, commit, isCut }: Beat): Uint8Array {
  const view = new DataView(new ArrayBuffer(BEAT_BYTES))
  view.setUint8(0, STATE_KIND_BEAT)
  view.setUint16(1, sessionTag & 0xffff, true)
  view.setUint32(3, term, true)
  view.setUint32(7, sequence, true)
  view.setUint32(11, commit, true)
  view.setUint8(15, isCut === true ? 1 : 0)
  return new Uint8Array(view.buffer)
}

export function writeBeatAck(term: number, sessionTag: number, ack: BeatAck): Uint8Array {
  const view = new DataView(new ArrayBuffer(BEAT_ACK_BYTES))
  view.setUint8(0, STATE_KIND_BEAT_ACK)
  view.setUint16(1, sessionTag & 0xffff, true)
  view.setUint32(3, term, true)
  view.setUint32(7, ack.sequence, true)
  view.setUint32(11, ack.held, true)
  view.setUint32(15, ack.promised, true)
  return new Uint8Array(view.buffer)
}

/** @returns `undefined` for bytes of another length, `'foreign'` for another session's */
export function readBeat(
  bytes: Uint8Array,
  sessionTag: number,
): { readonly term: number; readonly message: Beat | BeatAck } | 'foreign' | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const isAck = bytes[0] === STATE_KIND_BEAT_ACK
  if (bytes.length !== (isAck ? BEAT_ACK_BYTES : BEAT_BYTES)) return undefined
  if (view.getUint16(1, true) !== (sessionTag & 0xffff)) return 'foreign'
  const term = view.getUint32(3, true)
  const sequence = view.getUint32(7, true)
  const position = view.getUint32(11, true)
  if (!isAck) return { term, message: { type: 'Beat', sequence, commit: position, isCut: (bytes[15]! & 1) === 1 } }
  return { term, message: { type: 'BeatAck', sequence, held: position, promised: view.getUint32(15, true) } }
}

/** Messages that are lost without harm: they are repeated, or only save time. */
const UNRELIABLE: ReadonlySet<HostMessage['type']> = new Set(['Suspect', 'VoteRequest', 'Vote', 'Abandon', 'Fence'])

export function isUnreliable(message: HostMessage): boolean {
  return UNRELIABLE.has(message.type)
}

/** Kinds of control messages that the machine takes. */
const HOST_KINDS: ReadonlySet<string> = new Set([
  ...UNRELIABLE,
  'HandOver',
  'Follow',
  'FetchLog',
  'LogBase',
  'WitnessBeat',
  'WitnessAck',
])

export function isHostBody(body: ControlBody): body is Extract<HostMessage, ControlBody> {
  return HOST_KINDS.has(body.type)
}

/** A control message for the witness, at most a few dozen bytes. */
export function writeForWitness(term: number, generation: number, body: ControlBody): Uint8Array {
  return encodeControl({ term, index: 0, generation, body })
}
