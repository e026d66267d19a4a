/**
 * Which entities there are, by the log alone: a few lines that must agree with what the whole of replication does.
 *
 * Invariant: a pure function of the entries, in their order, from the first.
 */
import type { LogEntry } from '@baton/core'

interface Entity {
  readonly policy: string | number
  owner: number
  parent: number
}

export class WorldModel {
  /** Position of the last entry applied. */
  index = 0
  readonly entities = new Map<number, Entity>()
  #slots = new Set<number>()

  apply({ index, body }: LogEntry): void {
    this.index = index
    switch (body.type) {
      case 'Spawn':
        this.entities.set(body.id, { policy: body.departPolicy, owner: body.owner, parent: body.parent })
        return
      case 'Despawn':
        for (const id of body.ids) this.#remove(id)
        return
      case 'ParentChanged': {
        const entity = this.entities.get(body.id)
        if (entity !== undefined) entity.parent = body.parent
        return
      }
      case 'Grant':
        for (const { id, owner } of body.entries) {
          const entity = this.entities.get(id)
          if (entity !== undefined) entity.owner = owner
        }
        return
      case 'Roster':
        return this.#seat(
          body.members.map((member) => member.slot),
          body.members[0]?.slot ?? 0,
        )
      default:
    }
  }

  #seat(slots: readonly number[], host: number): void {
    const left = [...this.#slots].filter((slot) => !slots.includes(slot))
    this.#slots = new Set(slots)
    for (const [id, entity] of [...this.entities]) {
      if (!left.includes(entity.owner)) continue
      if (entity.policy === 'despawn') this.#remove(id)
      else if (entity.policy === 'transfer') entity.owner = host
    }
  }

  #remove(id: number): void {
    this.entities.delete(id)
    for (const [child, { parent }] of [...this.entities]) if (parent === id) this.#remove(child)
  }
}
