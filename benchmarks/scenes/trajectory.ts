/**
 * What a recorded scene is: the pose of every body at every tick, and its file.
 *
 * Invariant: a trajectory read back is the one written, bit for bit; a file that is not one is refused.
 */
import { gunzipSync, gzipSync } from 'node:zlib'

/** Position in meters (x, y, z), then unit quaternion (x, y, z, w). */
export const POSE_SIZE = 7

export interface Trajectory {
  /** Bodies; the same ones at every tick. */
  readonly count: number
  readonly ticks: number
  /** `POSE_SIZE` numbers per body and tick, tick after tick. */
  readonly poses: Float32Array
}

const MAGIC = 0x314e4353
const HEADER_BYTES = 12

/** Where a body's pose at a tick begins in `poses`. */
export function poseOffset({ count }: Trajectory, tick: number, body: number): number {
  return (tick * count + body) * POSE_SIZE
}

/** XOR with the tick before makes zeros of everything that rests, which deflate then removes. */
export function writeTrajectory({ count, ticks, poses }: Trajectory): Uint8Array {
  const words = new Uint32Array(poses.slice().buffer)
  const stride = count * POSE_SIZE
  for (let at = words.length - 1; at >= stride; at -= 1) words[at]! ^= words[at - stride]!
  const packed = gzipSync(words, { level: 3 })
  const bytes = new Uint8Array(HEADER_BYTES + packed.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, count, true)
  view.setUint32(8, ticks, true)
  bytes.set(packed, HEADER_BYTES)
  return bytes
}

/** @throws Error for bytes that `writeTrajectory` did not make */
export function readTrajectory(bytes: Uint8Array): Trajectory {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) throw new Error('readTrajectory: not a scene')
  const count = view.getUint32(4, true)
  const ticks = view.getUint32(8, true)
  const unpacked = gunzipSync(bytes.subarray(HEADER_BYTES))
  const stride = count * POSE_SIZE
  if (unpacked.length !== stride * ticks * 4) throw new Error('readTrajectory: the file is cut short; record it again')
  const words = new Uint32Array(unpacked.length / 4)
  new Uint8Array(words.buffer).set(unpacked)
  for (let at = stride; at < words.length; at += 1) words[at]! ^= words[at - stride]!
  return { count, ticks, poses: new Float32Array(words.buffer) }
}
