/**
 * Where the model checker begins: rooms in which something is about to be decided.
 *
 * Invariant: all were reached by the real machines, on a bench.
 */
import type { ControlBody } from '@baton/schemas'
import { appendEntry } from '../../src/host/reign.ts'
import { releaseTo } from '../../src/host/step.ts'
import { Bench, LEASE, rosterOf } from '../../src/testing/host-bench.ts'
import type { World } from './world.ts'

function worldOf(bench: Bench): World {
  return {
    nowMs: bench.nowMs,
    machines: [...bench.machines.values()],
    crashed: [],
    witness: bench.witness,
    flights: bench.flights.map(({ from, to, term, message }) => ({ from, to, term, message })),
    committed: [...Array(20).keys()].map((index) => bench.committed.get(index)),
    grants: new Map(),
    appended: 0,
    rosters: 0,
    released: 0,
    from: undefined,
    by: undefined,
  }
}

/** Nothing has been heard of the host for a lease, by anybody; what it sent is lost. */
function fallSilent(bench: Bench): void {
  bench.flights = []
  bench.paused.add(1).add(2).add(3)
  bench.run(LEASE)
  bench.paused.clear()
  bench.flights = []
}

function writeUnheard(bench: Bench, body?: ControlBody, heardBy: readonly number[] = []): void {
  bench.flights = []
  for (const slot of [2, 3]) if (!heardBy.includes(slot)) bench.cut(1, slot)
  if (body === undefined) bench.append(1, 90)
  else bench.act(1, (machine) => void appendEntry(machine, body, 0))
  bench.run(10)
  bench.heal()
  bench.flights = []
}

export const STARTS: Readonly<Record<string, () => World>> = {
  steady: () => worldOf(new Bench()),
  silent: () => {
    const bench = new Bench()
    fallSilent(bench)
    return worldOf(bench)
  },
  /** An entry is with the host alone; nobody knows whether it will ever be committed. */
  unheard: () => {
    const bench = new Bench()
    writeUnheard(bench)
    fallSilent(bench)
    return worldOf(bench)
  },
  /** An entry is with the host and the last in line. */
  halfHeard: () => {
    const bench = new Bench()
    writeUnheard(bench, undefined, [3])
    fallSilent(bench)
    return worldOf(bench)
  },
  released: () => {
    const bench = new Bench()
    bench.act(1, (machine) => releaseTo(machine, 2))
    return worldOf(bench)
  },
  pair: () => {
    const bench = new Bench({ members: 2 })
    bench.flights = []
    return worldOf(bench)
  },
  silentPair: () => {
    const bench = new Bench({ members: 2 })
    bench.cut(1, 2)
    bench.append(1, 90)
    bench.run(400)
    bench.heal()
    fallSilent(bench)
    return worldOf(bench)
  },
  /** The second in line is being left out; the third does not know yet. */
  leaving: () => {
    const bench = new Bench()
    writeUnheard(bench, { type: 'Roster', ...rosterOf([1, 3]) }, [2])
    fallSilent(bench)
    return worldOf(bench)
  },
  /** Four voters and the lobby. */
  four: () => {
    const bench = new Bench({ members: 4 })
    fallSilent(bench)
    return worldOf(bench)
  },
  /** Three voters and one that learns. */
  learner: () => {
    const bench = new Bench({ members: 4, learners: 1 })
    bench.flights = []
    return worldOf(bench)
  },
}
