/**
 * A fingerprint of the quantized world: ids, ownership, parents, components and their values.
 *
 * Invariant: order of arrival does not matter; two peers that hold the same world have the same number.
 */
import { committedParent } from './ahead.ts'
import { hash32 } from './schema/protocol-hash.ts'
import type { ReplicationState } from './state.ts'
import { committedOwnership } from './tail.ts'

/** 32 bits. Allocates: for tests and for comparing worlds now and then, not for every frame. */
export function worldFingerprint(state: ReplicationState): number {
  return hash32(describeWorld(state).join('\n'))
}

/** The world in words, a line per entity in order of ids: what to diff when two fingerprints differ. */
export function describeWorld(state: ReplicationState): string[] {
  const { table, store } = state
  const lines: string[] = []
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    const parts = [
      `${table.id[index]} prefab ${table.prefab[index]} owner ${table.owner[index]} authority ${table.authority[index]}`,
      `sequences ${table.ownershipSequence[index]} ${table.authoritySequence[index]} parent ${table.parent[index]}`,
    ]
    for (const rows of store.components) {
      if (rows.present[index] !== 1) continue
      const { laneCount, name } = rows.schema
      const lanes = rows.current.subarray(index * laneCount, (index + 1) * laneCount)
      const plain = (rows.plain[index] ?? []).map((value) =>
        typeof value === 'string' ? JSON.stringify(value) : (value?.join('.') ?? ''),
      )
      parts.push(`${name} ${lanes.join(',')} ${plain.join('|')}`)
    }
    lines.push(parts.join(' '))
  }
  return lines
}

/**
 * What the committed log alone makes of the world, a line per entity in order of ids: who there is, whose it
 * is and what it hangs under. Equal on all peers that stand at the same place of the log.
 */
export function describeCommitted(state: ReplicationState): string[] {
  const { table, unconfirmed } = state
  const lines: string[] = []
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    const id = table.id[index]!
    if (unconfirmed.has(id)) continue
    const { owner, authority, ownershipSequence, authoritySequence } = committedOwnership(state, index)
    lines.push(`${id}:${owner}/${authority}/${ownershipSequence}/${authoritySequence}/${committedParent(state, index)}`)
  }
  return lines
}
