/**
 * Where a player sits: in a page or in a process; and what tests ask of several at once.
 *
 * Invariant: every wait has a limit and says what was missing when it ran out.
 */
import type { Account } from './account.ts'
import { faultsOf } from './verdict.ts'

/** A player somewhere else. */
export interface Seat {
  readonly name: string
  account(): Promise<Account>
  play(): Promise<void>
  rest(): Promise<void>
  handOver(name: string): Promise<void>
}

const CONVERGE_TIMEOUT_MS = 40_000

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export function accountsOf(seats: readonly Seat[]): Promise<Account[]> {
  return Promise.all(seats.map((seat) => seat.account()))
}

/** Waits until `fault` finds nothing more to say of the accounts of all. */
export async function until(seats: readonly Seat[], fault: (all: readonly Account[]) => string): Promise<Account[]> {
  for (const endMs = performance.now() + CONVERGE_TIMEOUT_MS; ; await sleep(100)) {
    const all = await accountsOf(seats)
    const missing = fault(all)
    if (missing === '') return all
    if (performance.now() > endMs)
      throw new Error(`after ${CONVERGE_TIMEOUT_MS / 1_000} s: ${missing}; ${briefly(all)}`)
  }
}

/** Waits until all are in, one hosts, and everybody has a vote: only then is a room ready to lose its host. */
export function untilReady(seats: readonly Seat[]): Promise<Account[]> {
  return until(seats, (all) => {
    const late = all.find(
      ({ state, synced, members, voters }) =>
        state !== 'stable' || !synced || members.length !== seats.length || voters.length !== seats.length,
    )
    return late === undefined ? '' : `${late.name} is not ready`
  })
}

/** The one that hosts, and the others. */
export async function parted<S extends Seat>(seats: readonly S[]): Promise<{ host: S; guests: S[] }> {
  const all = await accountsOf(seats)
  const at = all.findIndex(({ isHost }) => isHost)
  if (at < 0) throw new Error(`nobody hosts: ${briefly(all)}`)
  return { host: seats[at]!, guests: seats.filter((_, index) => index !== at) }
}

/** Hands the baton to `wanted` where another has it: who came first may have stood still while the others came. */
export async function giveBaton<S extends Seat>(seats: readonly S[], wanted: S): Promise<void> {
  const { host } = await parted(seats)
  if (host === wanted) return
  await host.handOver(wanted.name)
  await until(seats, (all) => {
    const slot = all.find(({ isHost }) => isHost)?.slot
    if (all[seats.indexOf(wanted)]!.slot !== slot) return `${wanted.name} does not host`
    const late = all.find(({ host: followed, state }) => followed !== slot || state !== 'stable')
    return late === undefined ? '' : `${late.name} does not follow ${wanted.name}`
  })
}

/** Of an account, only what happened since `before` was taken, and the reign that was under way then. */
export function since(now: Account, { term: before }: Account): Account {
  const told = now.told.filter(({ term }) => term > before)
  return { ...now, told, watches: now.watches.filter(({ term }) => term >= before) }
}

/** Why the host changed, each time since `before` was taken. */
export function reasonsSince(now: Account, before: Account): string[] {
  return since(now, before).told.map(({ reason }) => reason)
}

/** Waits until all of these have been told of another host than `before`, and follow one that is among them. */
export function untilChanged(seats: readonly Seat[], before: Account): Promise<Account[]> {
  return until(seats, (all) => {
    const slots = new Set(all.map(({ slot }) => slot))
    const late = all.find(
      (one) =>
        one.term <= before.term ||
        one.host === before.slot ||
        !slots.has(one.host) ||
        one.state !== 'stable' ||
        reasonsSince(one, before).length === 0,
    )
    return late === undefined ? '' : `${late.name} has no new host`
  })
}

/**
 * Lets everything come to rest, and waits until nothing is wrong any more.
 * @param gone the last accounts of those who went for good
 */
export async function untilWhole(seats: readonly Seat[], gone: readonly Account[] = []): Promise<Account[]> {
  await Promise.all(seats.map((seat) => seat.rest()))
  return until(seats, (accounts) => faultsOf({ accounts, gone }).join('; '))
}

export async function playAll(seats: readonly Seat[]): Promise<void> {
  await Promise.all(seats.map((seat) => seat.play()))
}

function briefly(all: readonly Account[]): string {
  return all
    .map(
      ({ name, slot, state, host, term, members, entities, told, errors }) =>
        `${name} (${slot}): ${state}, host ${host} in term ${term}, members ${members.join(' ')}, ` +
        `${entities.length} entities, told ${told.map((one) => `${one.host}/${one.term}/${one.reason}`).join(' ')}` +
        (errors.length > 0 ? `, ${errors.join(' | ')}` : ''),
    )
    .join('; ')
}
