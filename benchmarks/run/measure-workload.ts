/**
 * Runs one workload past all contenders, tick by tick, and times each of them on the same tick.
 *
 * Interleaving tick by tick means that whatever disturbs the machine disturbs all, and that everybody finds
 * its caches as a game leaves them: cold. Their order is drawn anew each tick, so that nobody always follows one
 * that has just run the same code. Times are medians over ticks.
 *
 * Invariant: a contender's world is compared with the workload before it is timed and while it is.
 */
import { SeededRandom } from '@baton/core/testing'
import { EVERYBODY, type Contender, type Receiver, type Sender } from '../contenders/contender.ts'
import { countAllocatedBytes } from '../../packages/replication/test/allocated-bytes.ts'
import type { Workload } from '../workloads/workload.ts'
import { compareWorlds } from './compare-worlds.ts'
import { mean, median } from './statistics.ts'

export interface MeasureOptions {
  /** Ticks from a packet to its ack, per guest. */
  readonly ackTicks: readonly number[]
  /** Share of packets that do not arrive at guests after the first, where a contender can mend that. */
  readonly loss: number
  readonly ticks: number
  /** A contender whose timed ticks have taken longer than this is done early. */
  readonly budgetMs: number
  /** Counts allocations, in ticks of their own. */
  readonly allocations: boolean
}

export interface Figures {
  readonly name: string
  readonly writeUs: number
  readonly encodeUs: number
  /** Decode and apply, one guest. */
  readonly decodeUs: number
  /** To one guest, mean. */
  readonly bytesPerTick: number
  readonly worstBytes: number
  readonly packetsPerTick: number
  readonly allocatedBytes: number | undefined
  readonly errorM: number
  readonly errorDegrees: number
  readonly ticks: number
  /** What was wrong with its world; absent when nothing was. */
  readonly fault?: string
}

/** Ticks before anything is timed: acks have come back from the slowest guest, and code is compiled. */
const WARM_UP_TICKS = 30
/** The same for contenders that know no acks. */
const SHORT_WARM_UP_TICKS = 6
/** Worlds are compared every so many ticks. */
const COMPARE_TICKS = 20
const ALLOCATION_TICKS = 16
const MIN_TICKS = 3

/** One contender at work. */
class Run {
  readonly contender: Contender
  readonly writeUs: number[] = []
  readonly encodeUs: number[] = []
  readonly decodeUs: number[] = []
  readonly bytes: number[] = []
  readonly packetCounts: number[] = []
  readonly allocated: number[] = []
  spentMs = 0
  #errorM = 0
  #errorDegrees = 0
  #fault: string | undefined
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #loss: number
  readonly #random = new SeededRandom('loss')
  /** Packets to the first guest: those of all are borrowed until the next tick, others are copied. */
  readonly #arrived: Uint8Array[] = []
  readonly #pool: Uint8Array[] = []

  constructor(contender: Contender, workload: Workload, { ackTicks, loss }: MeasureOptions) {
    this.contender = contender
    this.#loss = contender.loss === 'mends itself' ? loss : 0
    this.#sender = contender.createSender(workload, ackTicks)
    this.#receiver = contender.createReceiver(workload, this.#sender)
  }

  tick(workload: Workload, tick: number, isTimed: boolean): void {
    const [startMs, writtenMs, encodedMs, decodedMs] = this.#work(workload, tick)
    if (!isTimed) return
    this.spentMs += decodedMs - startMs
    this.writeUs.push((writtenMs - startMs) * 1_000)
    this.encodeUs.push((encodedMs - writtenMs) * 1_000)
    this.decodeUs.push((decodedMs - encodedMs) * 1_000)
    this.bytes.push(this.#arrived.reduce((total, packet) => total + packet.length, 0))
    this.packetCounts.push(this.#arrived.length)
  }

  countAllocations(workload: Workload, tick: number): void {
    this.allocated.push(countAllocatedBytes(() => this.#work(workload, tick)))
  }

  compare(workload: Workload): void {
    const { errorM, errorDegrees, stale, missing, ghosts } = compareWorlds(workload, this.#receiver)
    this.#errorM = Math.max(this.#errorM, errorM)
    this.#errorDegrees = Math.max(this.#errorDegrees, errorDegrees)
    if (stale + missing + ghosts > 0) this.#fault = `${stale} wrong, ${missing} missing, ${ghosts} too many`
  }

  figures(): Figures {
    return {
      name: this.contender.name,
      writeUs: median(this.writeUs),
      encodeUs: median(this.encodeUs),
      decodeUs: median(this.decodeUs),
      bytesPerTick: mean(this.bytes),
      worstBytes: Math.max(...this.bytes),
      packetsPerTick: mean(this.packetCounts),
      allocatedBytes: this.allocated.length === 0 ? undefined : Math.max(0, median(this.allocated)),
      errorM: this.#errorM,
      errorDegrees: this.#errorDegrees,
      ticks: this.writeUs.length,
      ...(this.#fault !== undefined && { fault: this.#fault }),
    }
  }

  #work(workload: Workload, tick: number): readonly [number, number, number, number] {
    this.#arrived.length = 0
    const startMs = performance.now()
    this.#sender.write(workload)
    const writtenMs = performance.now()
    this.#sender.encode(tick, this.#take)
    const encodedMs = performance.now()
    for (const packet of this.#arrived) this.#receiver.receive(packet)
    return [startMs, writtenMs, encodedMs, performance.now()]
  }

  readonly #take = (guest: number, packet: Uint8Array, isReliable = false): boolean => {
    if (guest === EVERYBODY) this.#arrived.push(packet)
    if (guest !== 0) return isReliable || this.#loss === 0 || !this.#random.chance(this.#loss)
    const place = this.#arrived.length
    let room = this.#pool[place]
    if (room === undefined || room.length < packet.length) {
      room = this.#pool[place] = new Uint8Array(Math.max(2_048, packet.length * 2))
    }
    room.set(packet)
    this.#arrived.push(room.subarray(0, packet.length))
    return true
  }
}

/** The workload as a contender sees it that comes to it late: everything has just been spawned. */
function asFirstTick(workload: Workload): Workload {
  const alive = [...workload.alive.keys()].filter((slot) => workload.alive[slot] === 1)
  return { ...workload, spawned: alive, despawned: [], moved: Int32Array.from(alive), movedCount: alive.length }
}

function shuffled<T>(items: readonly T[], random: SeededRandom): readonly T[] {
  const all = [...items]
  for (let at = all.length - 1; at > 0; at -= 1) {
    const other = random.integer(0, at)
    ;[all[at], all[other]] = [all[other]!, all[at]!]
  }
  return all
}

/** Figures of all contenders, in their order; one that throws has a fault and no times. */
export function measureWorkload(
  workload: Workload,
  contenders: readonly Contender[],
  options: MeasureOptions,
): readonly Figures[] {
  const runs = new Map<string, Run>()
  const failed = new Map<string, string>()
  const order = new SeededRandom('order')
  const isDone = (run: Run): boolean => run.spentMs > options.budgetMs && run.writeUs.length >= MIN_TICKS
  const lastTick = WARM_UP_TICKS + options.ticks
  const endTick = lastTick + (options.allocations ? ALLOCATION_TICKS : 0)

  function enter(contender: Contender, tick: number): void {
    const isDue = contender.loss === 'mends itself' ? tick === 1 : tick === WARM_UP_TICKS - SHORT_WARM_UP_TICKS
    if (!isDue) return
    const first = asFirstTick(workload)
    const run = new Run(contender, first, options)
    runs.set(contender.name, run)
    run.tick(first, tick, false)
  }

  function go(contender: Contender, tick: number): void {
    const run = runs.get(contender.name)
    if (run === undefined) return enter(contender, tick)
    if (isDone(run)) return
    if (tick > lastTick) run.countAllocations(workload, tick)
    else run.tick(workload, tick, tick > WARM_UP_TICKS)
    if (tick % COMPARE_TICKS === 0 || tick === WARM_UP_TICKS) run.compare(workload)
  }

  for (let tick = 1; tick <= endTick; tick += 1) {
    workload.step()
    for (const contender of shuffled(contenders, order)) {
      if (failed.has(contender.name)) continue
      try {
        go(contender, tick)
      } catch (error) {
        failed.set(contender.name, String(error))
        runs.delete(contender.name)
      }
    }
  }
  return contenders.map(
    ({ name }) => runs.get(name)?.figures() ?? withoutTimes(name, failed.get(name) ?? 'did not run'),
  )
}

function withoutTimes(name: string, fault: string): Figures {
  const none = Number.NaN
  return {
    name,
    writeUs: none,
    encodeUs: none,
    decodeUs: none,
    bytesPerTick: none,
    worstBytes: none,
    packetsPerTick: none,
    allocatedBytes: undefined,
    errorM: none,
    errorDegrees: none,
    ticks: 0,
    fault,
  }
}
