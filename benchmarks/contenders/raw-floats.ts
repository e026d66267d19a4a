/**
 * No format at all: the slot and seven floats of each changed row, copied. What any encoder is compared with
 * when it says that it is fast.
 *
 * Invariant: two words of counts, then rows of eight words, then the slots of entities that went.
 */
import { POSE_SIZE } from '../scenes/trajectory.ts'
import { EVERYBODY, type Contender, type Receiver, type Sender } from './contender.ts'
import { PoseStore, ToldChanges } from './pose-store.ts'

const HEADER_WORDS = 2
const ROW_WORDS = POSE_SIZE + 1

export const rawFloats: Contender = {
  name: 'raw Float32 copy',
  version: '–',
  usage: 'changed rows copied into one buffer',
  precision: 'float 32',
  sends: 'changed rows',
  finds: 'is told',
  encodes: 'once for all',
  loss: 'needs a reliable channel',
  createSender(workload): Sender {
    const changes = new ToldChanges(workload)
    const floats = new Float32Array(HEADER_WORDS + workload.capacity * (ROW_WORDS + 1))
    const words = new Uint32Array(floats.buffer)
    const bytes = new Uint8Array(floats.buffer)

    /** Rows of the slots, then those that went. */
    function pack(slots: ArrayLike<number>, count: number, gone: readonly number[]): Uint8Array {
      words[0] = count
      words[1] = gone.length
      let at = HEADER_WORDS
      for (let row = 0; row < count; row += 1) {
        const slot = slots[row]!
        words[at] = slot
        for (let part = 0; part < POSE_SIZE; part += 1) floats[at + 1 + part] = changes.poses[slot * POSE_SIZE + part]!
        at += ROW_WORDS
      }
      for (const slot of gone) {
        words[at] = slot
        at += 1
      }
      return bytes.subarray(0, at * 4)
    }

    return {
      write: (from) => changes.write(from),
      encode(_tick, emit) {
        emit(EVERYBODY, pack(changes.moved, changes.movedCount, changes.gone))
      },
      join(emit) {
        const slots = [...changes.alive.keys()].filter((slot) => changes.alive[slot] === 1)
        emit(0, pack(slots, slots.length, []))
      },
    }
  },
  createReceiver({ capacity }): Receiver {
    const store = new PoseStore(capacity)
    return {
      receive(packet) {
        const aligned = packet.byteOffset % 4 === 0 ? packet : packet.slice()
        const floats = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
        const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
        let at = HEADER_WORDS
        for (let row = 0; row < words[0]!; row += 1) {
          store.setFrom(words[at]!, floats, at + 1)
          at += ROW_WORDS
        }
        for (let row = 0; row < words[1]!; row += 1) store.remove(words[at + row]!)
      },
      read: (workload, slot, out) => store.read(workload, slot, out),
      get count() {
        return store.count
      },
    }
  },
}
