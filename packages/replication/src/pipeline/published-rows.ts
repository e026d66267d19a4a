/**
 * What this peer publishes of its rows, tick by tick, for all links at once: when each row last
 * changed, and the states it has been in, which the links' deltas refer to.
 *
 * Invariant: after `publish(tick)` the state of a row at any tick up to this one never changes, so a
 * row and the tick of the packet that carried it name one state for good (BL1).
 */
import { invariant } from '@baton/core'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { isLater } from './baseline.ts'
import { PacketWriter } from './packet-writer.ts'
import { PublishedComponent, type CurrentRows, type HeldRows, type RowList } from './published-component.ts'
import { SharedBodies } from './shared-bodies.ts'

export class PublishedRows {
  readonly schemas: readonly ComponentSchema[]
  /** By registry index; `undefined` for components that do not travel as snapshots. */
  readonly components: readonly (PublishedComponent | undefined)[]
  /** Encoders take turns with it, a packet each. */
  readonly writer: PacketWriter
  /** What encoders have sent of what was published last. */
  readonly bodies = new SharedBodies()
  #capacity: number
  #tick: number | undefined
  #restarts = 0

  constructor(schemas: readonly ComponentSchema[], capacity: number) {
    this.schemas = schemas
    this.writer = new PacketWriter(schemas)
    this.#capacity = capacity
    this.components = schemas.map((schema) =>
      travelsAsState(schema) ? new PublishedComponent(schema, capacity) : undefined,
    )
  }

  get capacity(): number {
    return this.#capacity
  }

  /** The tick published last; `undefined` before the first. */
  get tick(): number | undefined {
    return this.#tick
  }

  /** How often `restart` was called: what was acked before says nothing after. */
  get restarts(): number {
    return this.#restarts
  }

  /**
   * Takes this tick's rows, once per tick and before any link encodes.
   *
   * @param tick later than the one before
   * @param lists every row that some link may be sent this tick; borrowed, not kept
   * @param rows by registry index, the store the lists' indices point into
   * @returns rows that changed
   * @throws InvariantError when the tick does not rise
   */
  publish(tick: number, lists: readonly RowList[], rows: readonly CurrentRows[]): number {
    if (this.#tick !== undefined && !isLater(tick, this.#tick)) {
      invariant(false, `PublishedRows.publish: tick ${tick} does not follow ${this.#tick}; publish once per tick`)
    }
    this.#tick = tick >>> 0
    let changed = 0
    this.bodies.beginTick()
    for (const list of lists) {
      const published = this.components[list.component]
      invariant(published, 'PublishedRows.publish: a list of what is not sent as snapshots; leave it out')
      published.beginTick(this.#tick)
      changed += published.publish(list, tick, rows[list.component]!)
    }
    return changed
  }

  /** A far end may lack rows of this entity though they rest: they are looked at again. */
  want(index: number): void {
    for (const component of this.components) if (component) component.wanted[index] = 1
  }

  /** Forgets an entity before its index is used for another. */
  forget(index: number): void {
    for (const component of this.components) component?.forget(index)
  }

  /**
   * Begins anew: what this peer holds now, whoever simulates it, counts as published at `tick`, and what
   * it published before is forgotten. For a peer that becomes the host (HD3). Encoders that live on forget
   * all acks: these name states that are gone.
   *
   * @param tick not later than the first one that is published from here on
   * @param indices entity indices; the first `count` are valid
   * @param rows by registry index
   */
  restart(tick: number, indices: Int32Array, count: number, rows: readonly HeldRows[]): void {
    this.#restarts += 1
    this.components.forEach((component, at) => component?.restart(tick >>> 0, indices, count, rows[at]!))
    if (this.#tick === undefined || isLater(tick, this.#tick)) this.#tick = tick >>> 0
  }

  grow(capacity: number): void {
    if (capacity <= this.#capacity) return
    for (const component of this.components) component?.grow(capacity)
    this.#capacity = capacity
  }
}

/** Is this component in state packets at all? */
export function travelsAsState(schema: ComponentSchema): boolean {
  return schema.delivery === 'snapshot' && schema.laneCount > 0
}
