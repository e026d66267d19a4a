/**
 * One moment of a small room for the model checker: real machines, a real witness, and the messages that
 * are under way. Every step makes a new world; machines that it does not touch are shared.
 *
 * Invariant: a world is never changed once it was handed out, so that every way onward can be tried from it.
 */
import { decodeControl, encodeControl, type ControlBody } from '@baton/schemas'
import { currentRoster, isActing, others } from '../../src/host/council.ts'
import { entryAt, lengthOf } from '../../src/host/log.ts'
import type { HostMachine } from '../../src/host/machine.ts'
import { appendEntry } from '../../src/host/reign.ts'
import { releaseTo, setTime, take, tick } from '../../src/host/step.ts'
import { stepWitness, tickWitness, type WitnessEffect, type WitnessState } from '../../src/host/index.ts'
import { EVERYONE, WITNESS, type HostMessage } from '../../src/host/messages.ts'
import { isReliable, nameOf, note } from '../../src/testing/host-bench.ts'
import { cloneMachine } from './clone.ts'
import type { Action, Flight, World } from './moment.ts'

export type { Action, Flight, World }

/** What holds at every moment; the message says what does not. */
export class Violation extends Error {}

/** More messages under way than this: the oldest unreliable ones are lost. */
const MAX_FLIGHTS = 14

export function step(world: World, action: Action): World {
  const next: World = {
    ...world,
    machines: [...world.machines],
    crashed: [...world.crashed],
    flights: [...world.flights],
    committed: [...world.committed],
    grants: new Map(world.grants),
    from: world,
    by: action,
  }
  if (action.kind === 'jump') jump(next, action.ms, action.without)
  else if (action.kind === 'drop') next.flights.splice(action.at, 1)
  else if (action.kind === 'deliver' || action.kind === 'copy') {
    const flight = next.flights[action.at]!
    if (action.kind === 'deliver') next.flights.splice(action.at, 1)
    deliver(next, flight)
  } else if (action.kind === 'crash') crash(next, action.slot)
  else if (action.kind === 'append') {
    next.appended++
    touch(next, action.slot, (machine) => void appendEntry(machine, note(next.appended), action.slot))
  } else if (action.kind === 'turn') {
    next.rosters++
    touch(next, action.slot, (machine) => void appendEntry(machine, turned(machine, action.other), 0))
  } else {
    next.released++
    touch(next, action.slot, (machine) => releaseTo(machine, action.to))
  }
  while (next.flights.length > MAX_FLIGHTS) {
    const at = next.flights.findIndex(({ message }) => !isReliable(message))
    if (at < 0) break
    next.flights.splice(at, 1)
  }
  checkActing(next)
  return next
}

/** The host's next roster, in which a voter only learns from now on, or a learner votes. */
function turned(machine: HostMachine, slot: number): ControlBody {
  const { members, ...rest } = currentRoster(machine)
  const next = members.map((member) => (member.slot === slot ? { ...member, voter: !member.voter } : member))
  return { type: 'Roster', ...rest, members: next }
}

/** Time passes for all but `without`, which stands still and has to find out. */
function jump(world: World, ms: number, without: number): void {
  world.nowMs += ms
  for (const { self } of world.machines) if (self !== without) touch(world, self, tick)
  if (world.witness !== undefined) witnessDoes(world, (witness) => tickWitness(witness, world.nowMs))
}

function deliver(world: World, { from, to, term, message }: Flight): void {
  if (to === WITNESS) {
    if (message.type === 'Beat' || message.type === 'BeatAck' || message.type === 'Entry') return
    const data = encodeControl({ term, index: 0, generation: 0, body: message })
    return witnessDoes(world, (witness) => stepWitness(witness, `p${from}`, data, world.nowMs))
  }
  touch(world, to, (machine) => {
    take(machine, from, term, message)
    tick(machine)
  })
}

function witnessDoes(world: World, what: (witness: WitnessState) => WitnessEffect[]): void {
  if (world.witness === undefined) return
  // Whatever a witness knows is replaced, never changed in place: a copy of the top level is enough.
  world.witness = { ...world.witness }
  for (const { to, data } of what(world.witness)) {
    const decoded = decodeControl(data)
    if (!decoded.ok) throw new Violation(decoded.reason)
    const slots = to === 'all' ? world.machines.map(({ self }) => self) : [Number(to.slice(1))]
    for (const slot of slots) launch(world, WITNESS, slot, decoded.value.term, decoded.value.body as HostMessage)
  }
}

function crash(world: World, slot: number): void {
  world.crashed.push(slot)
  world.machines = world.machines.filter(({ self }) => self !== slot)
  world.flights = world.flights.filter(({ to }) => to !== slot)
}

/** Lets a copy of a machine do something, and takes what comes of it. */
function touch(world: World, slot: number, what: (machine: HostMachine) => void): void {
  const at = world.machines.findIndex(({ self }) => self === slot)
  if (at < 0) return
  const before = world.machines[at]!
  const machine = cloneMachine(before)
  world.machines[at] = machine
  setTime(machine, { monoMs: world.nowMs, wallMs: world.nowMs })
  what(machine)
  for (const { to, term, message } of machine.out.splice(0)) {
    for (const receiver of to === EVERYONE ? others(machine) : [to]) launch(world, slot, receiver, term, message)
  }
  for (const event of machine.logEvents.splice(0)) {
    if (event.kind === 'committed') checkCommit(world, machine, event.entry.index, nameOf(event.entry))
  }
  machine.turns.length = 0
  if (machine.breaches.length > 0) throw new Violation(`HM13: ${machine.breaches[0]!.reason} among honest members`)
  if (machine.role === 'host' && (before.role !== 'host' || machine.term > before.term)) checkWin(world, machine)
  if (machine.term < before.term)
    throw new Violation(`I2: the term of ${slot} falls from ${before.term} to ${machine.term}`)
}

function launch(world: World, from: number, to: number, term: number, message: HostMessage): void {
  if (message.type === 'Vote') {
    const key = `${from}:${message.term}`
    const known = world.grants.get(key)
    if (known !== undefined && known !== message.candidate) {
      throw new Violation(`I4: ${from} grants ${message.term} to ${message.candidate} after ${known}`)
    }
    world.grants.set(key, message.candidate)
  }
  if (to !== WITNESS && !world.machines.some(({ self }) => self === to)) return
  if (to === WITNESS && world.witness === undefined) return
  world.flights.push({ from, to, term, message })
}

/** I1: one host acts, at most. One that stands still acts when it moves again, and knows the time then. */
function checkActing(world: World): void {
  const acting = world.machines.filter((machine) => machine.nowMs === world.nowMs && isActing(machine))
  if (acting.length < 2) return
  throw new Violation(`I1: ${acting.map(({ self, term }) => `${self} in ${term}`).join(' and ')} act`)
}

/** I5, and that no later host is without it. */
function checkCommit(world: World, machine: HostMachine, index: number, name: string): void {
  const known = world.committed[index]
  if (known !== undefined && known !== name) {
    throw new Violation(`I5: ${machine.self} commits ${name} at ${index}, where ${known} stands`)
  }
  world.committed[index] = name
  for (const host of world.machines) {
    if (host.role === 'host' && host.term > machine.term) checkHolds(host, index, name)
  }
}

function checkHolds(host: HostMachine, index: number, name: string): void {
  if (index <= host.log.base) return
  const entry = index <= lengthOf(host.log) ? entryAt(host.log, index) : undefined
  if (entry !== undefined && nameOf(entry) === name) return
  throw new Violation(`I5: ${host.self} hosts ${host.term} without ${name} at ${index}, which is committed`)
}

/** A term has one host, and it holds what was committed. */
function checkWin(world: World, host: HostMachine): void {
  const key = `host:${host.term}`
  const known = world.grants.get(key)
  if (known !== undefined && known !== host.self) throw new Violation(`I1: ${known} and ${host.self} win ${host.term}`)
  world.grants.set(key, host.self)
  world.committed.forEach((name, index) => {
    if (name !== undefined) checkHolds(host, index, name)
  })
}
