/**
 * What two transports tell one another on the link channel: I am up, I hold this channel, goodbye.
 *
 * Invariant: a frame is 2 to 5 bytes; anything else reads as `undefined` and is counted by the caller.
 * @see docs/wire-format.md WT2-WT4
 */
import { isNumberedChannel } from './channel-ids.ts'

/** Raised when ids or frames change their meaning; links of different versions are not made. */
export const LINK_VERSION = 1

export type LinkFrame =
  /** All my channels are open. A link is up when both sides have said so. */
  | { readonly kind: 'hello'; readonly version: number }
  /** I hold a data channel for this number, so what you send on it will be received by me. */
  | { readonly kind: 'held'; readonly channel: number; readonly reliable: boolean }
  /**
   * I am leaving on purpose. Streams of one connection may overtake one another, so it says how many
   * messages I have sent on control (u32, little-endian, wraps): the link ends when they are there.
   */
  | { readonly kind: 'goodbye'; readonly controlCount: number }

const HELLO = 1
const HELD = 2
const GOODBYE = 3

export function encodeLinkFrame(frame: LinkFrame): Uint8Array<ArrayBuffer> {
  switch (frame.kind) {
    case 'hello':
      return Uint8Array.of(HELLO, frame.version)
    case 'held':
      return Uint8Array.of(HELD, frame.channel, frame.reliable ? 1 : 0)
    case 'goodbye': {
      const bytes = Uint8Array.of(GOODBYE, 0, 0, 0, 0)
      new DataView(bytes.buffer).setUint32(1, frame.controlCount, true)
      return bytes
    }
  }
}

/** Reads a frame from untrusted bytes. */
export function decodeLinkFrame(bytes: Uint8Array): LinkFrame | undefined {
  const kind = bytes[0]
  if (kind === HELLO && bytes.length === 2) return { kind: 'hello', version: bytes[1]! }
  if (kind === HELD && bytes.length === 3 && isNumberedChannel(bytes[1]!) && bytes[2]! <= 1)
    return { kind: 'held', channel: bytes[1]!, reliable: bytes[2] === 1 }
  if (kind === GOODBYE && bytes.length === 5)
    return { kind: 'goodbye', controlCount: new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true) }
  return undefined
}
