/**
 * Several host machines and, where voters are even, a witness, with a bag of messages between them and a
 * clock that only the test moves.
 *
 * Invariant: after every step it is checked that at most one host acts, that nobody grants a term twice, and
 * that what was committed anywhere is never contradicted elsewhere.
 */
import { decodeControl, encodeControl, type ControlBody, type Roster as RosterBody } from '@baton/schemas'
import { holdsLease, isActing, others } from '../host/council.ts'
import { tailOf } from '../host/log.ts'
import { createMachine, type HostMachine, type HostTurn } from '../host/machine.ts'
import { appendEntry } from '../host/reign.ts'
import { setTime, take, tick } from '../host/step.ts'
import { createWitness, stepWitness, tickWitness, type WitnessEffect, type WitnessState } from '../host/index.ts'
import type { LogEntry } from '../host/log-entry.ts'
import { EVERYONE, WITNESS, type HostMessage } from '../host/messages.ts'

export const LEASE = 600

export interface Flight {
  readonly from: number
  readonly to: number
  readonly term: number
  readonly message: HostMessage
  readonly dueMs: number
}

export interface BenchOptions {
  /** Slots 1 to this many; the first is the host of term 1. Default 3. */
  readonly members?: number
  /** Of these, the last so many only learn. */
  readonly learners?: number
  readonly cannotHost?: readonly number[]
  /** One way. Default 5 ms. */
  readonly delayMs?: number
}

/** Messages of the ordered, reliable channel; all others may be lost. */
const RELIABLE: ReadonlySet<string> = new Set(['Entry', 'LogBase', 'Follow', 'FetchLog', 'HandOver'])

export function isReliable(message: HostMessage): boolean {
  return RELIABLE.has(message.type)
}

export function rosterOf(
  members: readonly number[],
  learners: readonly number[] = [],
  cannotHost: readonly number[] = [],
): RosterBody {
  return {
    nextSlot: Math.max(0, ...members, ...learners) + 1,
    members: [...members, ...learners].map((slot) => ({
      slot,
      peer: `p${slot}`,
      displayName: '',
      voter: members.includes(slot),
      canHost: !cannotHost.includes(slot),
    })),
    former: [],
    tick: 0,
  }
}

export function machineOf(self: number, roster: RosterBody, term = 0, host = 0, nowMs = 0): HostMachine {
  const base = { term, index: term === 0 ? 0 : 1 }
  const canHost = roster.members.find((member) => member.slot === self)?.canHost ?? true
  const now = { monoMs: nowMs, wallMs: nowMs }
  return createMachine({ self, leaseMs: LEASE, canHost, seed: self, generation: 0, now, base, roster, term, host })
}

/** An entry that says nothing of rosters; `request` tells it from others. */
/** A candidate asks for a vote; its log ends in term 1. */
export function voteRequest(term: number, candidate: number, length = 1): HostMessage {
  return { type: 'VoteRequest', term, candidate, lastTerm: 1, length, commit: 1, leaseMs: LEASE }
}

export function note(request: number): ControlBody {
  return { type: 'Despawn', request, ids: [] }
}

export function nameOf(entry: LogEntry): string {
  return entry.body.type === 'Despawn' ? `${entry.term}:${entry.body.request}` : `${entry.term}:${entry.body.type}`
}

export class Bench {
  nowMs = 0
  delayMs: number
  readonly machines = new Map<number, HostMachine>()
  readonly witness: WitnessState = createWitness(0, { isFresh: true })
  flights: Flight[] = []
  /** Everything that was sent, for tests that ask who said what. */
  readonly sent: Flight[] = []
  readonly turns: (HostTurn & { readonly at: number })[] = []
  readonly breaches: { readonly at: number; readonly slot: number; readonly reason: string }[] = []
  /** What was committed anywhere, by index. */
  readonly committed = new Map<number, string>()
  /** Pairs between which nothing passes, as `from>to`. */
  readonly cuts = new Set<string>()
  /** Members whose program stands still. */
  readonly paused = new Set<number>()
  /** The lobby is out of reach. */
  hasNoWitness = false
  /** Slots of hosts whose acting overlapped; stays empty. */
  readonly overlaps: string[] = []
  readonly #grants = new Map<string, number>()

  constructor(options: BenchOptions = {}) {
    const { members = 3, learners = 0, cannotHost = [], delayMs = 5 } = options
    this.delayMs = delayMs
    const all = Array.from({ length: members }, (_, at) => at + 1)
    const roster = rosterOf(all.slice(0, members - learners), all.slice(members - learners), cannotHost)
    for (const slot of all) {
      const machine = machineOf(slot, roster)
      // Nobody hosts yet, as in a room that is being founded: all agree to the first in line.
      machine.release = 1
      this.machines.set(slot, machine)
    }
    this.run(400)
  }

  of(slot: number): HostMachine {
    return this.machines.get(slot)!
  }

  get acting(): number[] {
    return [...this.machines.values()].filter((machine) => isActing(machine)).map((machine) => machine.self)
  }

  holdsLease(slot: number): boolean {
    return holdsLease(this.of(slot))
  }

  /** Nothing passes between these and the rest, the lobby included. */
  isolate(...slots: number[]): void {
    for (const slot of slots) {
      this.cut(slot, WITNESS)
      for (const other of this.machines.keys()) if (!slots.includes(other)) this.cut(slot, other)
    }
  }

  cut(a: number, b: number): void {
    this.cuts.add(`${a}>${b}`).add(`${b}>${a}`)
  }

  heal(): void {
    this.cuts.clear()
  }

  /** Its program ends. */
  crash(slot: number): void {
    this.machines.delete(slot)
  }

  append(slot: number, request: number): number | undefined {
    const machine = this.of(slot)
    setTime(machine, { monoMs: this.nowMs, wallMs: this.nowMs })
    const index = appendEntry(machine, note(request), slot)
    this.collect(machine)
    return index
  }

  /** A message out of thin air, now. */
  say(from: number, to: number, term: number, message: HostMessage): void {
    const machine = this.of(to)
    setTime(machine, { monoMs: this.nowMs, wallMs: this.nowMs })
    take(machine, from, term, message)
    this.collect(machine)
  }

  /** What a member does of itself, now. */
  act(slot: number, what: (machine: HostMachine) => void): void {
    const machine = this.of(slot)
    setTime(machine, { monoMs: this.nowMs, wallMs: this.nowMs })
    what(machine)
    this.collect(machine)
  }

  run(ms: number, stepMs = 5): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += stepMs
      this.#deliverDue()
      for (const machine of this.machines.values()) {
        if (this.paused.has(machine.self)) continue
        this.act(machine.self, tick)
      }
      if (!this.hasNoWitness) this.#answer(tickWitness(this.witness, this.nowMs))
      this.check()
    }
  }

  /** Runs until this holds, at most so long. @returns whether it came to hold */
  runUntil(holds: () => boolean, limitMs = 5_000): boolean {
    for (const endMs = this.nowMs + limitMs; this.nowMs < endMs && !holds();) this.run(5)
    return holds()
  }

  logOf(slot: number): string[] {
    return this.of(slot).log.entries.map(nameOf)
  }

  committedOf(slot: number): string[] {
    const { log } = this.of(slot)
    return log.entries.slice(0, log.commit - log.base).map(nameOf)
  }

  #deliverDue(): void {
    const due = this.flights.filter((flight) => flight.dueMs <= this.nowMs && !this.paused.has(flight.to))
    this.flights = this.flights.filter((flight) => !due.includes(flight))
    for (const flight of due) this.deliver(flight)
  }

  deliver({ from, to, term, message }: Flight): void {
    if (this.cuts.has(`${from}>${to}`)) return
    if (to === WITNESS) {
      if (this.hasNoWitness || message.type === 'Beat' || message.type === 'BeatAck' || message.type === 'Entry') return
      const data = encodeControl({ term, index: 0, generation: 0, body: message })
      return this.#answer(stepWitness(this.witness, `p${from}`, data, this.nowMs))
    }
    const machine = this.machines.get(to)
    if (machine === undefined) return
    this.act(to, () => take(machine, from, term, message))
  }

  #answer(effects: readonly WitnessEffect[]): void {
    for (const { to, data } of effects) {
      const decoded = decodeControl(data)
      if (!decoded.ok) throw new Error(decoded.reason)
      const slots = to === 'all' ? [...this.machines.keys()] : [Number(to.slice(1))]
      const { term, body } = decoded.value
      for (const slot of slots) this.#launch(WITNESS, slot, term, body as HostMessage)
    }
  }

  #launch(from: number, to: number, term: number, message: HostMessage): void {
    const flight = { from, to, term, message, dueMs: this.nowMs + this.delayMs }
    this.flights.push(flight)
    this.sent.push(flight)
    if (message.type === 'Vote') this.#noteGrant(from, message.term, message.candidate)
  }

  /** One grant per voter and term; one that yields gives its own away, which was never sent. */
  #noteGrant(voter: number, term: number, candidate: number): void {
    const known = this.#grants.get(`${voter}:${term}`)
    if (known !== undefined && known !== candidate)
      throw new Error(`I4: ${voter} granted ${term} to ${known} and ${candidate}`)
    this.#grants.set(`${voter}:${term}`, candidate)
  }

  collect(machine: HostMachine): void {
    for (const { to, term, message } of machine.out.splice(0)) {
      for (const slot of to === EVERYONE ? others(machine) : [to]) this.#launch(machine.self, slot, term, message)
    }
    for (const event of machine.logEvents.splice(0)) {
      if (event.kind === 'committed') this.#noteCommitted(machine.self, event.entry)
    }
    for (const turn of machine.turns.splice(0)) this.turns.push({ ...turn, at: machine.self })
    for (const breach of machine.breaches.splice(0)) this.breaches.push({ ...breach, at: machine.self })
  }

  #noteCommitted(slot: number, entry: LogEntry): void {
    const name = nameOf(entry)
    const known = this.committed.get(entry.index)
    if (known !== undefined && known !== name)
      throw new Error(`I5: ${slot} commits ${name} at ${entry.index}, where ${known} stands`)
    this.committed.set(entry.index, name)
  }

  /** Safety, at any moment. A paused member does nothing, whatever it may think. */
  check(): void {
    const acting = this.acting.filter((slot) => !this.paused.has(slot))
    if (acting.length > 1) throw new Error(`I1: ${acting.join(' and ')} act at ${this.nowMs}`)
  }

  /** Between these, and in this order, what was said of one kind. */
  said<Type extends HostMessage['type']>(type: Type, from?: number): Extract<HostMessage, { type: Type }>[] {
    return this.sent
      .filter((flight) => flight.message.type === type && (from === undefined || flight.from === from))
      .map((flight) => flight.message as Extract<HostMessage, { type: Type }>)
  }

  tail(slot: number): string {
    const { term, index } = tailOf(this.of(slot).log)
    return `${term}:${index}`
  }
}
