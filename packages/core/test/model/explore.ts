/**
 * Tries every way in which a small room can go on, from the least eventful outward: each message that is
 * late, lost, doubled or overtaken, each crash and each wish costs one, and cheaper worlds come first.
 *
 * Invariant: no two worlds that will behave alike are tried, and all worlds of one cost come before the next.
 */
import { isActing } from '../../src/host/council.ts'
import { isReliable } from '../../src/testing/host-bench.ts'
import { textOf } from './clone.ts'
import { step, Violation, type Action, type World } from './world.ts'

/** A beat, a successor's turn, a lease. */
const JUMPS_MS = [50, 250, 600]

export interface Limits {
  readonly states: number
  /** No world that took more of what goes wrong than this. */
  readonly cost: number
  readonly terms: number
  readonly crashes: number
  readonly appends: number
  readonly releases: number
  readonly rosters: number
}

export interface Exploration {
  states: number
  steps: number
  /** The cost up to which everything was tried. */
  completeCost: number
  readonly wins: Set<string>
  violation: { readonly message: string; readonly path: readonly string[] } | undefined
}

export function explore(start: World, limits: Limits): Exploration {
  const result: Exploration = { states: 1, steps: 0, completeCost: -1, wins: new Set(), violation: undefined }
  const seen = new Set([hash(textOf(start))])
  let level: World[] = [start]
  for (let cost = 0; ; cost++) {
    const pricey: [World, Action][] = []
    // Worlds of one cost are tried breadth first, so that a path is as short as it can be.
    for (let at = 0; at < level.length; at++) {
      for (const [action, price] of actions(level[at]!, limits)) {
        if (price === 0) reach(level[at]!, action, level)
        else if (price === 1 && cost < limits.cost) pricey.push([level[at]!, action])
        if (result.violation !== undefined || result.states >= limits.states) return result
      }
    }
    result.completeCost = cost
    if (cost === limits.cost) return result
    level = []
    for (const [world, action] of pricey) {
      reach(world, action, level)
      if (result.violation !== undefined || result.states >= limits.states) return result
    }
  }

  function reach(world: World, action: Action, into: World[]): void {
    const following = tryStep(world, action, result)
    if (following === undefined || following.machines.some((machine) => machine.promised > limits.terms)) return
    const key = hash(textOf(following))
    if (seen.has(key)) return
    seen.add(key)
    result.states++
    into.push(following)
  }
}

function tryStep(world: World, action: Action, result: Exploration): World | undefined {
  result.steps++
  try {
    const following = step(world, action)
    for (const { role, self, term } of following.machines) if (role === 'host') result.wins.add(`${self}:${term}`)
    return following
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const message = error instanceof Violation ? error.message : (error.stack ?? error.message)
    result.violation = { message, path: [...pathTo(world), sentence(world, action)] }
    return undefined
  }
}

/** Ways on, each with what it costs. */
export function actions(world: World, limits: Limits): [Action, number][] {
  const ways: [Action, number][] = []
  const { flights, machines } = world
  const ordered = new Set<string>()
  flights.forEach(({ from, to, message }, at) => {
    // Messages arrive as they were sent; that one overtakes another is one of the things that go wrong.
    const price = at === 0 ? 0 : 1
    const pair = `${from}>${to}`
    if (!isReliable(message)) {
      ways.push([{ kind: 'deliver', at }, price], [{ kind: 'drop', at }, 1], [{ kind: 'copy', at }, 1])
    } else if (!ordered.has(pair)) {
      ordered.add(pair)
      ways.push([{ kind: 'deliver', at }, price])
    }
  })
  // A beat's time passes once all has arrived; that more passes, or too early, or not for all, is another such thing.
  for (const ms of JUMPS_MS) {
    ways.push([{ kind: 'jump', ms, without: 0 }, ms === JUMPS_MS[0] && flights.length === 0 ? 0 : 1])
    for (const { self } of machines) ways.push([{ kind: 'jump', ms, without: self }, 1])
  }
  for (const machine of machines) {
    const { self } = machine
    if (world.crashed.length < limits.crashes) ways.push([{ kind: 'crash', slot: self }, 1])
    if (machine.nowMs !== world.nowMs || !isActing(machine)) continue
    if (world.appended < limits.appends) ways.push([{ kind: 'append', slot: self }, 1])
    if (world.rosters < limits.rosters && machine.log.pendingRosters.length === 0) {
      for (const other of machines)
        if (other !== machine) ways.push([{ kind: 'turn', slot: self, other: other.self }, 1])
    }
    if (world.released >= limits.releases) continue
    for (const { self: to } of machines) if (to !== self) ways.push([{ kind: 'release', slot: self, to }, 1])
  }
  return ways
}

export function pathTo(world: World): string[] {
  const path: string[] = []
  for (let at = world; at.from !== undefined; at = at.from) path.unshift(sentence(at.from, at.by!))
  return path
}

function sentence(world: World, action: Action): string {
  if (action.kind === 'jump') return `+${action.ms} ms${action.without === 0 ? '' : ` but not for ${action.without}`}`
  if ('slot' in action) {
    const other = 'to' in action ? ` to ${action.to}` : 'other' in action ? ` about ${action.other}` : ''
    return `${action.kind} ${action.slot}${other}`
  }
  const { from, to, term, message } = world.flights[action.at]!
  const detail = 'term' in message ? ` ${message.term}` : message.type === 'Entry' ? ` ${message.entry.index}` : ''
  return `${action.kind} ${from}>${to} ${message.type}${detail} of term ${term}`
}

/** 53 bits (cyrb53, public domain, by bryc): two worlds of a million share one by a chance of 1 in 10,000. */
function hash(text: string): number {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}

/** One way at random from here, for as many steps: reaches where trying everything does not. */
export function wander(
  start: World,
  limits: Limits,
  steps: number,
  draw: () => number,
  result: Exploration,
  seen: (world: World) => void = () => {},
): void {
  let world = start
  for (let count = 0; count < steps; count++) {
    const ways = actions(world, limits)
    // What costs nothing is taken more often, or nothing would ever come to a decision.
    const weights = ways.map(([action, price]) => weightOf(action, price))
    let at = draw() * weights.reduce((sum, weight) => sum + weight, 0)
    const chosen = ways[weights.findIndex((weight) => (at -= weight) < 0)]
    if (chosen === undefined) return
    const following = tryStep(world, chosen[0], result)
    if (following === undefined) return
    result.states++
    world = following
    seen(world)
  }
}

function weightOf(action: Action, price: number): number {
  if (action.kind === 'deliver') return price === 0 ? 12 : 1
  if (action.kind === 'jump')
    return (action.ms === 50 ? 3 : action.ms === 250 ? 1.5 : 1) * (action.without === 0 ? 1 : 0.1)
  if (action.kind === 'append') return 1
  if (action.kind !== 'drop' && action.kind !== 'copy') return 0.15
  return 0.4
}
