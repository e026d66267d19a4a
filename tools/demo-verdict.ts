/**
 * What the players of the headless demo saw, as a table, and what is wrong with it.
 *
 * Invariant: pure; a figure that could not be had is shown as missing and is a fault, never a zero.
 */
import type { HeadlessReport } from '../examples/world/net/headless.ts'
import type { Sample } from '../examples/world/net/row-watch.ts'

export interface Verdict {
  readonly rows: readonly Readonly<Record<string, string>>[]
  /** Empty when all is well. */
  readonly faults: readonly string[]
  readonly notes: readonly string[]
}

/** The step of a position on the wire, meters. */
const STEP_M = 1 / 512
/** Half a step along each axis, and what a Float32Array rounds at 128 m. */
const MAX_ERROR_M = (Math.sqrt(3) / 2) * STEP_M + 3e-5
/** With so many crates or more, this many are to move in every second of the demo. */
const MANY_CRATES = 250
const MIN_MOVING = 200

/** @param crates how many stand in the plaza */
export function judgeReports(reports: readonly HeadlessReport[], crates: number): Verdict {
  const truth = samplesByKey(reports.flatMap((report) => report.truth))
  // What guests hear of one another comes by way of the host, under the tick that the host gave it; how well
  // the host heard it is in the host's own line.
  const byWayOfHost = samplesByKey(reports.flatMap((report) => [...report.truth, ...report.passedOn]))
  const faults: string[] = []
  const rows = reports.map((report) => {
    const { worstM, compared } = worstError(report.heard, report.isHost ? truth : byWayOfHost)
    const isAlone = reports.length === 1
    if (compared === 0 && !isAlone) faults.push(`${report.name} received nothing that could be compared`)
    if (worstM > MAX_ERROR_M) faults.push(`${report.name} was ${worstM.toFixed(4)} m off`)
    return {
      peer: report.name,
      entities: String(report.entities),
      'worst error mm': compared === 0 ? '–' : (worstM * 1_000).toFixed(2),
      'rows compared': String(compared),
      'RTT ms': report.rttMs.toFixed(1),
      'up kbit/s': report.upKbps.toFixed(0),
      'down kbit/s': report.downKbps.toFixed(0),
      'snapshots received': String(report.snapshotsReceived),
      lost: String(report.snapshotsLost),
      'frames/s': report.framesPerSecond.toFixed(0),
      'join ms': report.joinMs.toFixed(0),
      world: report.fingerprint.toString(16).padStart(8, '0'),
    }
  })
  faults.push(...compareWorlds(reports, crates))
  const notes: string[] = []
  const host = reports.find((report) => report.isHost)
  if (!host) faults.push('nobody is the host')
  else if (host.movedPerSecond.length > 0) {
    const sorted = [...host.movedPerSecond].sort((a, b) => a - b)
    const least = sorted[0]!
    notes.push(
      `crates whose quantized state changed, per second: at least ${least}, median ${sorted[sorted.length >> 1]!}`,
    )
    if (crates >= MANY_CRATES && least < MIN_MOVING) faults.push(`only ${least} crates moved in a second`)
  }
  return { rows, faults, notes }
}

function compareWorlds(reports: readonly HeadlessReport[], crates: number): string[] {
  const [first] = reports
  const faults: string[] = []
  const expected = crates + reports.length
  for (const report of reports) {
    if (report.entities !== expected) faults.push(`${report.name} holds ${report.entities} entities, not ${expected}`)
    if (report.fingerprint === first!.fingerprint) continue
    const known = new Set(first!.world)
    const different = report.world.filter((line) => !known.has(line))
    faults.push(
      `${report.name} holds another world than ${first!.name} in ${different.length} entities: ${different[0] ?? 'none'}`,
    )
  }
  return faults
}

/** While a crate changes hands two peers simulate it for a round trip: both are its authority. */
function samplesByKey(samples: readonly Sample[]): ReadonlyMap<string, readonly Sample[]> {
  const byKey = new Map<string, Sample[]>()
  for (const sample of samples) {
    const key = `${sample[0]}@${sample[1]}`
    const same = byKey.get(key)
    if (same) same.push(sample)
    else byKey.set(key, [sample])
  }
  return byKey
}

/** Largest distance between what a peer received and what the entity's authority had at the same tick. */
function worstError(
  heard: readonly Sample[],
  truth: ReadonlyMap<string, readonly Sample[]>,
): { readonly worstM: number; readonly compared: number } {
  let worstM = 0
  let compared = 0
  for (const [id, tick, x, y, z] of heard) {
    const exact = truth.get(`${id}@${tick}`)
    if (!exact) continue
    compared += 1
    worstM = Math.max(worstM, Math.min(...exact.map((one) => Math.hypot(x - one[2], y - one[3], z - one[4]))))
  }
  return { worstM, compared }
}
