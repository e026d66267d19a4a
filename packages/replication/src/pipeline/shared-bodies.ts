/**
 * Bodies of the packets of one tick: far ends that lack the same rows and hold the same baselines are sent
 * the same bits behind headers of their own.
 *
 * Invariant: a body is given to nobody whose rows and baselines are not, one by one, those it was written for.
 */
import type { DirtyRows } from './dirty-rows.ts'
import { MAX_PACKET_BYTES } from './packet.ts'
import type { Body, PacketWriter } from './packet-writer.ts'

/** Far ends that differ are many in a tick when all do; then there is nothing to share, and no need to keep it. */
const MAX_SETS = 64
/** Rows kept in all sets of a tick: 1 MiB at most. */
const MAX_SHARED_ROWS = 131_072

/** What one far end was sent. */
export class BodySet {
  #bodyCount = 0
  readonly #bodies: Body[] = []
  #fingerprint = 0
  #count = 0
  #ids: Uint32Array | undefined
  /** Per row: component above the entity's index, then the baseline. */
  #rows = new Int32Array(256)

  /** Forgets what was there. */
  begin({ count, component, index, baseline, fingerprint }: DirtyRows, ids: Uint32Array): void {
    this.#bodyCount = 0
    this.#ids = ids
    this.#fingerprint = fingerprint
    this.#count = count
    if (this.#rows.length < count * 2) this.#rows = new Int32Array(4 << (32 - Math.clz32(count)))
    for (let row = 0; row < count; row += 1) {
      this.#rows[row * 2] = index[row]! | (component[row]! << 24)
      this.#rows[row * 2 + 1] = baseline[row]!
    }
  }

  isOf({ count, component, index, baseline, fingerprint }: DirtyRows, ids: Uint32Array): boolean {
    if (this.#fingerprint !== fingerprint || this.#count !== count || this.#ids !== ids) return false
    const rows = this.#rows
    for (let row = 0; row < count; row += 1) {
      if (rows[row * 2] !== (index[row]! | (component[row]! << 24)) || rows[row * 2 + 1] !== baseline[row]) return false
    }
    return true
  }

  /** Keeps the body of a packet that holds these rows. */
  add(packet: PacketWriter, rowStart: number, rowEnd: number): void {
    const at = this.#bodyCount
    const body = (this.#bodies[at] ??= { bytes: new Uint8Array(MAX_PACKET_BYTES), rowStart, rowEnd, firstBit: 0, bits: 0 })
    body.rowStart = rowStart
    body.rowEnd = rowEnd
    packet.keepBody(body)
    this.#bodyCount = at + 1
  }

  /** The body that begins with this row, looked for where the packet of this number is. */
  from(row: number, packet: number): Body | undefined {
    const body = packet < this.#bodyCount ? this.#bodies[packet]! : undefined
    return body?.rowStart === row ? body : undefined
  }
}

export class SharedBodies {
  readonly #sets: BodySet[] = []
  #setCount = 0
  #rowCount = 0

  beginTick(): void {
    this.#setCount = 0
    this.#rowCount = 0
  }

  /** What was sent to another far end that lacks just these rows, against the same baselines. */
  find(dirty: DirtyRows, ids: Uint32Array): BodySet | undefined {
    for (let at = 0; at < this.#setCount; at += 1) if (this.#sets[at]!.isOf(dirty, ids)) return this.#sets[at]
    return undefined
  }

  /** Room for what is about to be sent of these rows; `undefined` when there is none. */
  begin(dirty: DirtyRows, ids: Uint32Array): BodySet | undefined {
    if (this.#setCount === MAX_SETS || this.#rowCount + dirty.count > MAX_SHARED_ROWS) return undefined
    const set = (this.#sets[this.#setCount] ??= new BodySet())
    set.begin(dirty, ids)
    this.#setCount += 1
    this.#rowCount += dirty.count
    return set
  }
}
