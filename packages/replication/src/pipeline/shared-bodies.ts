/**
 * Sections of the packets of one tick: far ends whose leading rows are the same, against the same baselines,
 * are sent the same bits behind headers of their own, and what else they lack after that.
 *
 * Invariant: a body is given to nobody whose rows and baselines are not, one by one, those it was written for.
 */
import type { Body } from './packet-body.ts'
import type { PacketWriter } from './packet-writer.ts'

/** Rows kept in all sets of a tick: 1 MiB at most. */
const MAX_SHARED_ROWS = 131_072

/** Rows that several far ends may lack alike: `DirtyRows` has them. */
export interface LeadingRows {
  readonly leading: number
  isLeading(names: Int32Array): boolean
  nameLeading(names: Int32Array): void
}

/** What one far end was sent. */
export class BodySet {
  #bodyCount = 0
  readonly #bodies: Body[] = []
  #count = 0
  #ids: Uint32Array | undefined
  #names = new Int32Array(256)

  /** Forgets what was there. */
  begin(dirty: LeadingRows, ids: Uint32Array): void {
    const { leading } = dirty
    this.#bodyCount = 0
    this.#ids = ids
    this.#count = leading
    if (this.#names.length < leading * 2) this.#names = new Int32Array(4 << (32 - Math.clz32(leading)))
    dirty.nameLeading(this.#names)
  }

  isOf(dirty: LeadingRows, ids: Uint32Array): boolean {
    return this.#count === dirty.leading && this.#ids === ids && dirty.isLeading(this.#names)
  }

  /** Keeps the body of a packet that holds these rows. */
  add(packet: PacketWriter, rowStart: number, rowEnd: number): void {
    const body = (this.#bodies[this.#bodyCount++] ??= packet.createBody())
    body.rowStart = rowStart
    body.rowEnd = rowEnd
    packet.keepBody(body)
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

  /** Far ends of this tick that were given what was written for another. */
  found = 0

  beginTick(): void {
    this.found = 0
    this.#setCount = 0
    this.#rowCount = 0
  }

  /** What was sent to another far end that lacks just these rows, against the same baselines. */
  find(dirty: LeadingRows, ids: Uint32Array): BodySet | undefined {
    for (let at = 0; at < this.#setCount; at += 1) {
      if (!this.#sets[at]!.isOf(dirty, ids)) continue
      this.found += 1
      return this.#sets[at]
    }
    return undefined
  }

  /** Room for what is about to be sent of these rows; `undefined` when there is none. */
  begin(dirty: LeadingRows, ids: Uint32Array): BodySet | undefined {
    if (this.#rowCount + dirty.leading > MAX_SHARED_ROWS) return undefined
    const set = (this.#sets[this.#setCount] ??= new BodySet())
    set.begin(dirty, ids)
    this.#setCount += 1
    this.#rowCount += dirty.leading
    return set
  }
}
