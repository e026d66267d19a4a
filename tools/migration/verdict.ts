/**
 * What is wrong with a room, from the accounts of all who play in it.
 *
 * Invariant: pure, and times are judged nowhere but in one place: two peers may not act as host at the same moment.
 */
import type { Account, Entity } from './account.ts'
import { CRATE_COUNT } from './player.ts'

export interface Room {
  /** Of all who are left, the ones that came back included. */
  readonly accounts: readonly Account[]
  /** The last accounts of those who went for good. Their acting counts, and their bags are kept. */
  readonly gone: readonly Account[]
}

/** Clocks of two processes, in whole milliseconds. */
const CLOCK_ERROR_MS = 4

/** @returns a line for each fault; none when all is as it has to be once everything rests */
export function faultsOf({ accounts, gone }: Room): string[] {
  return [
    ...faultsOfHosts(accounts),
    ...accounts.flatMap((one) => faultsOfCounts(one, accounts, gone)),
    ...faultsOfAuthority(accounts),
    ...faultsOfMarks(accounts),
    ...doubleReigns([...accounts, ...gone]),
  ]
}

function faultsOfHosts(accounts: readonly Account[]): string[] {
  const faults: string[] = []
  const hosts = accounts.filter(({ isHost }) => isHost)
  if (hosts.length !== 1)
    faults.push(`hosts by their own account: ${hosts.map(({ name }) => name).join(', ') || 'none'}`)
  const slots = accounts.map(({ slot }) => slot).sort((a, b) => a - b)
  for (const { name, host, term, state, synced, pending, members } of accounts) {
    if (host !== hosts[0]?.slot) faults.push(`${name} follows ${host}`)
    if (term !== hosts[0]?.term) faults.push(`${name} is in term ${term}, the host in ${hosts[0]?.term}`)
    if (state !== 'stable') faults.push(`${name} is ${state}`)
    if (!synced) faults.push(`${name} does not hold the whole world`)
    if (pending > 0) faults.push(`${name} waits for ${pending} answers`)
    if (String(members) !== String(slots)) {
      faults.push(`${name} plays with ${members.join(' ')}, here are ${slots.join(' ')}`)
    }
  }
  const worlds = new Set(accounts.map(({ fingerprint }) => fingerprint))
  if (worlds.size !== 1) faults.push(`${worlds.size} different worlds`)
  return faults
}

/** Every entity that ever was spawned, once, and gone at most once. */
function faultsOfCounts(one: Account, accounts: readonly Account[], gone: readonly Account[]): string[] {
  const { name, entities, spawned, despawned } = one
  const faults: string[] = []
  const ids = entities.map(({ id }) => id)
  if (new Set(ids).size < ids.length) faults.push(`${name} has an id twice`)
  if (new Set(spawned).size < spawned.length) faults.push(`${name} was told of a spawn twice`)
  if (new Set(despawned).size < despawned.length) faults.push(`${name} was told of a despawn twice`)
  const left = new Set(spawned)
  for (const id of despawned) if (!left.delete(id)) faults.push(`${name} was told that ${id} went, which never came`)
  if (ids.length !== left.size || ids.some((id) => !left.has(id))) {
    faults.push(`${name} has ${ids.length} entities, and was told of ${left.size}`)
  }
  if (String(ids) !== String(accounts[0]!.entities.map(({ id }) => id))) faults.push(`${name} has other entities`)
  const count = (prefab: string): number => entities.filter((entity) => entity.prefab === prefab).length
  if (count('crate') !== CRATE_COUNT) faults.push(`${name} has ${count('crate')} crates`)
  if (count('avatar') !== accounts.length) faults.push(`${name} has ${count('avatar')} avatars`)
  const players = accounts.length + gone.length
  if (count('bag') !== players) faults.push(`${name} has ${count('bag')} bags of ${players} players`)
  return faults
}

/** One owner and one authority for each entity, the same everywhere, and moved by nobody else. */
function faultsOfAuthority(accounts: readonly Account[]): string[] {
  const faults: string[] = []
  const members = new Set(accounts.map(({ slot }) => slot))
  const first = new Map(accounts[0]!.entities.map((entity) => [entity.id, entity]))
  for (const { name, entities } of accounts.slice(1)) {
    for (const { id, owner, authority } of entities) {
      const other = first.get(id)
      if (other && (other.owner !== owner || other.authority !== authority)) {
        faults.push(
          `${id} is owned by ${owner} and moved by ${authority} for ${name}, ` +
            `by ${other.owner} and ${other.authority} for ${accounts[0]!.name}`,
        )
      }
    }
  }
  for (const entity of first.values()) {
    const movers = accounts.filter((one) => one.entities.some(({ id, isMoved }) => id === entity.id && isMoved))
    const names = movers.map(({ name }) => name).join(', ') || 'nobody'
    if (isHeld(entity, members)) {
      if (movers.length > 0) faults.push(`${names} moves ${entity.prefab} ${entity.id}, which is kept for its owner`)
    } else if (movers.length !== 1 || movers[0]!.slot !== entity.authority) {
      faults.push(`${entity.prefab} ${entity.id} of ${entity.authority} is moved by ${names}`)
    }
  }
  return faults
}

const isHeld = ({ prefab, owner }: Entity, members: ReadonlySet<number>): boolean =>
  prefab === 'bag' && !members.has(owner)

/** What the living have spawned is there once, wherever the host was when they did. */
function faultsOfMarks(accounts: readonly Account[]): string[] {
  const faults: string[] = []
  for (const { name, entities } of accounts) {
    const seen = entities.filter(({ prefab }) => prefab === 'marked').map(({ mark }) => mark)
    const unique = new Set(seen)
    if (unique.size < seen.length) faults.push(`${name} has ${seen.length - unique.size} marked bodies twice`)
    for (const spawner of accounts) {
      const lost = spawner.marks.filter((mark) => !unique.has(mark))
      if (lost.length > 0) faults.push(`${name} lacks ${lost.join(', ')}, which ${spawner.name} spawned`)
    }
  }
  return faults
}

/** Two that acted as host at one moment, each by its own lease. */
function doubleReigns(accounts: readonly Account[]): string[] {
  const faults: string[] = []
  const reigns = accounts.flatMap(({ name, reigns: own }) => own.map((reign) => ({ name, ...reign })))
  for (const [i, one] of reigns.entries()) {
    for (const other of reigns.slice(i + 1)) {
      if (one.name === other.name) continue
      const bothMs = Math.min(one.lastMs, other.lastMs) - Math.max(one.firstMs, other.firstMs)
      if (bothMs > CLOCK_ERROR_MS) {
        faults.push(
          `${one.name} in term ${one.term} and ${other.name} in term ${other.term} both acted for ${bothMs.toFixed(0)} ms`,
        )
      }
    }
  }
  return faults
}

/** Ticks between the last that one host watched over and the first of the next, over all changes. */
export function missedTicks(accounts: readonly Account[]): number {
  const watches = accounts.flatMap((one) => one.watches).sort((a, b) => a.term - b.term)
  let missed = 0
  for (let i = 1; i < watches.length; i += 1) {
    // Ticks wrap as u32; so does the difference.
    missed += Math.max(0, ((watches[i]!.firstTick - watches[i - 1]!.lastTick) | 0) - 1)
  }
  return missed
}
