/**
 * Carries a baseline over channel 2 in pieces: a few under way at a time, the next when one is acked,
 * so that a joining peer never fills the host's send buffer.
 *
 * Invariant: the receiver allocates what the first piece declares, at most `MAX_BASELINE_BYTES`, and
 * takes pieces in order; anything else ends the transfer.
 */
import { MAX_BASELINE_BYTES } from './baseline-bytes.ts'

/** Bytes of a piece: one transport message with its envelope. */
export const CHUNK_BYTES = 15_000
/** Pieces under way at once: 60 kB, a tenth of a second on a 5 Mbit/s uplink. */
export const CHUNK_WINDOW = 4

export interface BaselineSender {
  readonly baseline: number
  readonly tick: number
  readonly entityCount: number
  /** Position of the log that it was cut at. */
  readonly logIndex: number
  readonly bytes: Uint8Array
  nextIndex: number
  ackedCount: number
}

export interface Chunk {
  readonly baseline: number
  readonly index: number
  readonly tick: number
  readonly totalBytes: number
  readonly entityCount: number
  readonly logIndex: number
  readonly data: Uint8Array
}

export function createBaselineSender(
  baseline: number,
  tick: number,
  entityCount: number,
  logIndex: number,
  bytes: Uint8Array,
): BaselineSender {
  return { baseline, tick, entityCount, logIndex, bytes, nextIndex: 0, ackedCount: 0 }
}

/** The next piece that may go now; `undefined` while the window is full and when all have gone. */
export function nextChunk(sender: BaselineSender): Chunk | undefined {
  const start = sender.nextIndex * CHUNK_BYTES
  if (start >= sender.bytes.length || sender.nextIndex - sender.ackedCount >= CHUNK_WINDOW) return undefined
  const chunk = {
    baseline: sender.baseline,
    index: sender.nextIndex,
    tick: sender.tick,
    totalBytes: sender.bytes.length,
    entityCount: sender.entityCount,
    logIndex: sender.logIndex,
    data: sender.bytes.subarray(start, start + CHUNK_BYTES),
  }
  sender.nextIndex += 1
  return chunk
}

/** @returns true once every piece has been acked */
export function ackChunk(sender: BaselineSender, baseline: number, index: number): boolean {
  if (baseline === sender.baseline && index === sender.ackedCount && index < sender.nextIndex) sender.ackedCount += 1
  return sender.ackedCount * CHUNK_BYTES >= sender.bytes.length
}

export interface BaselineReceiver {
  readonly baseline: number
  readonly tick: number
  readonly entityCount: number
  readonly logIndex: number
  readonly bytes: Uint8Array
  receivedBytes: number
  nextIndex: number
}

/** Starts a transfer with its first piece. `undefined` when it declares more than it may. */
export function createBaselineReceiver(chunk: Chunk): BaselineReceiver | undefined {
  if (chunk.index !== 0 || chunk.totalBytes === 0 || chunk.totalBytes > MAX_BASELINE_BYTES) return undefined
  const { baseline, tick, entityCount, logIndex } = chunk
  return {
    baseline,
    tick,
    entityCount,
    logIndex,
    bytes: new Uint8Array(chunk.totalBytes),
    receivedBytes: 0,
    nextIndex: 0,
  }
}

/** Takes the next piece. */
export function takeChunk(receiver: BaselineReceiver, chunk: Chunk): 'more' | 'complete' | 'invalid' {
  const expected = Math.min(CHUNK_BYTES, receiver.bytes.length - receiver.receivedBytes)
  const belongs = chunk.baseline === receiver.baseline && chunk.index === receiver.nextIndex
  if (!belongs || chunk.totalBytes !== receiver.bytes.length || chunk.data.length !== expected) return 'invalid'
  receiver.bytes.set(chunk.data, receiver.receivedBytes)
  receiver.receivedBytes += expected
  receiver.nextIndex += 1
  return receiver.receivedBytes === receiver.bytes.length ? 'complete' : 'more'
}
