/**
 * What became of the world at a change of host, as a table per peer, and what is wrong with it.
 *
 * Invariant: pure. Times and ticks are shown and never judged: they belong to the machine. What was lost or doubled is.
 */
import type { Standing, ToldChange } from '../examples/world/net/host-watch.ts'
import type { Verdict } from './demo-verdict.ts'

export interface Crash {
  /** Of those who live, before and after; in the same order. */
  readonly before: readonly Standing[]
  readonly dead: Standing
  readonly after: readonly Standing[]
  /** For each of them: crates that moved, in each second after the change. */
  readonly moved: readonly (readonly number[])[]
  /** Fingerprints at the end, when all was still. */
  readonly worlds: readonly number[]
  readonly crates: number
}

export function judgeHandOver(before: readonly Standing[], after: readonly Standing[]): Verdict {
  const faults: string[] = []
  const renew = renewed(before, after)
  const rows = after.map((now, i) => {
    const change = lastChange(before[i]!, now, faults)
    if (change && change.reason !== 'handed-over')
      faults.push(`${now.name} was told "${change.reason}", not a hand-over`)
    // Whoever handed it on has heard itself until then.
    const isFormer = before[i]!.isHost
    const added = change && !isFormer ? Math.max(0, change.gapMs - now.usualMs) : undefined
    return {
      peer: now.name,
      term: `${before[i]!.term} → ${now.term}`,
      host: now.host ?? 'none',
      reason: change?.reason ?? '–',
      'gap ms': isFormer ? '–' : figure(change?.gapMs),
      'usual ms': figure(now.usualMs),
      'added ms': figure(added),
      ...compareIds(before[i]!.ids.map(renew.idOf), now, faults),
    }
  })
  const term = Math.max(...before.map((one) => one.term))
  return { rows, faults, notes: [`ticks without a host: ${missedTicks(after, term)}`, ...renew.notes] }
}

export function judgeCrash({ before, dead, after, moved, worlds, crates }: Crash): Verdict {
  const faults: string[] = []
  const renew = renewed(before, after)
  const rows = after.map((now, i) => {
    const change = lastChange(before[i]!, now, faults)
    if (now.host === dead.name) faults.push(`${now.name} still follows the killed ${dead.name}`)
    // The avatar goes with its player; everything else stays.
    const expected = before[i]!.ids.filter((id) => id !== dead.avatarId).map(renew.idOf)
    const least = moved[i]!.length === 0 ? undefined : Math.min(...moved[i]!)
    if (crates > 0 && !least) faults.push(`${now.name}: no crate moved after the change`)
    return {
      peer: now.name,
      term: `${before[i]!.term} → ${now.term}`,
      host: now.host ?? 'none',
      reason: change?.reason ?? '–',
      'gap ms': figure(change?.gapMs),
      ...compareIds(expected, now, faults),
      'crates moving/s': figure(least),
      world: worlds[i]!.toString(16).padStart(8, '0'),
    }
  })
  if (new Set(worlds).size > 1) faults.push('the worlds are different at the end')
  const hosts = after.filter(({ isHost }) => isHost).map(({ name }) => name)
  if (hosts.length !== 1) faults.push(`hosts by their own account: ${hosts.join(', ') || 'none'}`)
  return { rows, faults, notes: renew.notes }
}

/** On a busy machine one may stand still for so long that it counts as gone; back again it has another avatar. */
function renewed(
  before: readonly Standing[],
  after: readonly Standing[],
): { readonly idOf: (id: number) => number; readonly notes: readonly string[] } {
  const fresh = new Map<number, number>()
  const notes: string[] = []
  before.forEach(({ name, avatarId }, i) => {
    const now = after[i]!.avatarId
    if (now === avatarId || now === 0) return
    fresh.set(avatarId, now)
    notes.push(`${name} was away for too long meanwhile, and came back with another avatar`)
  })
  return { idOf: (id) => fresh.get(id) ?? id, notes }
}

/** The change of host that a peer was told of in between; its term must have grown. */
function lastChange(before: Standing, now: Standing, faults: string[]): ToldChange | undefined {
  const change = now.changes.slice(before.changes.length).at(-1)
  if (!change) faults.push(`${now.name} was not told of another host`)
  if (now.term <= before.term) faults.push(`${now.name} went from term ${before.term} to ${now.term}`)
  return change
}

function compareIds(
  expected: readonly number[],
  { name, ids, respawned }: Standing,
  faults: string[],
): Readonly<Record<'entities' | 'lost' | 'doubled', string>> {
  const here = new Set(ids)
  const known = new Set(expected)
  const lost = expected.filter((id) => !here.has(id)).length
  const doubled = ids.length - here.size + [...here].filter((id) => !known.has(id)).length + respawned
  if (lost > 0) faults.push(`${name} has lost ${lost} of ${expected.length} entities`)
  if (doubled > 0) faults.push(`${name} has ${doubled} entities twice, or that nobody spawned`)
  return { entities: `${expected.length} → ${ids.length}`, lost: String(lost), doubled: String(doubled) }
}

/** Ticks between the last that one host simulated as such and the first of the next, from the reign of `term` on. */
function missedTicks(standings: readonly Standing[], term: number): number {
  const all = standings.flatMap((standing) => standing.reigns).sort((a, b) => a.term - b.term)
  const reigns = all.filter((reign) => reign.term >= term)
  let missed = 0
  for (let i = 1; i < reigns.length; i += 1) {
    // Ticks wrap as u32; so does the difference.
    missed += Math.max(0, ((reigns[i]!.firstTick - reigns[i - 1]!.lastTick) | 0) - 1)
  }
  return missed
}

const figure = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(0))
