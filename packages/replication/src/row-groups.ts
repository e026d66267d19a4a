/**
 * This tick's rows sorted into lists, one per component and authority, so that a peer is sent
 * everything but what it simulates itself by leaving out lists instead of asking row by row.
 *
 * Invariant: lists are filled in order of NetworkIds and reused from tick to tick; in steady state
 * nothing is allocated.
 */
import type { RowList } from './pipeline/published-component.ts'

interface Group extends RowList {
  component: number
  /** Who is not sent it: the slot of its authority. */
  audience: number
  indices: Int32Array
  count: number
}

export interface RowGroups {
  /** In use this tick: the first `count` of `lists`. */
  count: number
  readonly lists: Group[]
  /** Lists for one peer, borrowed until the next `listsFor`. */
  readonly chosen: RowList[]
}

export function createRowGroups(): RowGroups {
  return { count: 0, lists: [], chosen: [] }
}

export function clearGroups(groups: RowGroups): void {
  for (let i = 0; i < groups.count; i += 1) groups.lists[i]!.count = 0
  groups.count = 0
}

/** Adds a row. Rows of one component must come in order of their NetworkIds. */
export function addToGroup(groups: RowGroups, component: number, authority: number, index: number): void {
  const group = groupOf(groups, component, authority)
  if (group.count === group.indices.length) {
    const longer = new Int32Array(group.count * 2)
    longer.set(group.indices)
    group.indices = longer
  }
  group.indices[group.count] = index
  group.count += 1
}

/** What a peer should hold: all rows but those it simulates. Those of `local` come first: all others hear them. */
export function listsFor(groups: RowGroups, slot: number, local: number): readonly RowList[] {
  const { chosen, lists } = groups
  chosen.length = 0
  for (let i = 0; i < groups.count; i += 1) if (lists[i]!.audience === local) chosen.push(lists[i]!)
  for (let i = 0; i < groups.count; i += 1) {
    const { audience } = lists[i]!
    if (audience !== local && audience !== slot) chosen.push(lists[i]!)
  }
  return chosen
}

export function allLists(groups: RowGroups): readonly RowList[] {
  return listsFor(groups, -1, -1)
}

/** Few groups are in use, as many as peers that simulate something: a search is quicker than a map. */
function groupOf(groups: RowGroups, component: number, authority: number): Group {
  const { lists } = groups
  for (let i = groups.count - 1; i >= 0; i -= 1) {
    const group = lists[i]!
    if (group.component === component && group.audience === authority) return group
  }
  const at = groups.count
  groups.count += 1
  const free = lists[at]
  if (free) {
    free.component = component
    free.audience = authority
    return free
  }
  const made = { component, audience: authority, indices: new Int32Array(64), count: 0 }
  lists.push(made)
  return made
}
