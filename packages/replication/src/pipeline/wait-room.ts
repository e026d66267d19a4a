/**
 * Places for rows of entities whose spawn has not arrived yet: state and spawns travel on different
 * channels, and either can be first.
 *
 * Invariant: bounded in count and in time (WR1); a place belongs to one id.
 */
import { isLater } from './baseline.ts'

/** Ids that can wait at once, on one link. */
export const WAIT_ROOM_IDS = 1_024

export class WaitRoom {
  readonly #placeOf = new Map<number, number>()
  readonly #lastHeard: Uint32Array
  readonly #free: number[] = []

  constructor(ids = WAIT_ROOM_IDS) {
    this.#lastHeard = new Uint32Array(ids)
    for (let place = ids - 1; place >= 0; place -= 1) this.#free.push(place)
  }

  get freeCount(): number {
    return this.#free.length
  }

  /** Place of an id; -1 when it does not wait. */
  placeOf(id: number): number {
    return this.#placeOf.get(id) ?? -1
  }

  /** Gives the id a place, or keeps the one it has, and notes that it was heard of. */
  enter(id: number, tick: number): number {
    let place = this.#placeOf.get(id)
    if (place === undefined) {
      place = this.#free.pop()!
      this.#placeOf.set(id, place)
      this.#lastHeard[place] = tick
    }
    if (isLater(tick, this.#lastHeard[place]!)) this.#lastHeard[place] = tick
    return place
  }

  /** Frees the place of an id. Returns it, for what is stored under it; -1 when the id does not wait. */
  leave(id: number): number {
    const place = this.#placeOf.get(id)
    if (place === undefined) return -1
    this.#placeOf.delete(id)
    this.#free.push(place)
    return place
  }

  /** Ends the wait of ids not heard of since `tick`. */
  expire(tick: number, onExpired: (place: number) => void): void {
    if (this.#placeOf.size === 0) return
    for (const [id, place] of this.#placeOf) {
      if (isLater(this.#lastHeard[place]!, tick)) continue
      this.leave(id)
      onExpired(place)
    }
  }
}
