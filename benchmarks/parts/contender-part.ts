/**
 * The table of contenders: each workload past all of them, once for one guest and once for 32.
 *
 * Invariant: whoever encodes once for all has one figure for one guest and for 32.
 */
import { CONTENDERS } from '../contenders/contenders.ts'
import type { Contender } from '../contenders/contender.ts'
import { alikeAckTicks, spreadAckTicks } from '../run/curve-figures.ts'
import { measureWorkload, type Figures } from '../run/measure-workload.ts'
import { formatNumber, formatRatio, markdownTable } from '../run/statistics.ts'
import { loadScene } from '../scenes/scene-cache.ts'
import { JUDGING_SEEDS, SCENE_SECONDS } from '../scenes/seeds.ts'
import { createReplay } from '../workloads/replay.ts'
import { createSynthetic } from '../workloads/synthetic.ts'
import type { Workload } from '../workloads/workload.ts'
import type { Part } from './part.ts'

export interface WorkloadFigures {
  readonly workload: string
  readonly one: readonly Figures[]
  /** Of those that encode per guest; absent where 32 guests were not measured. */
  readonly many?: readonly Figures[]
  /** Baton with 32 guests whose acks are alike. */
  readonly alike?: Figures
}

const GUESTS = 32
const GUEST_LOSS = 0.02
const ONE_GUEST_ACK_TICKS = [6] as const
const TICKS = 48
const QUICK_TICKS = 24
const BUDGET_MS = 500
const QUICK_BUDGET_MS = 250
const WARM_UP_MS = 200

interface Chosen {
  readonly create: () => Promise<Workload>
  readonly hasMany: boolean
}

function synthetic(entities: number, share: number, churn: number, hasMany: boolean): Chosen {
  const options = { entities, moving: Math.round(entities * share), churn }
  return { create: () => Promise.resolve(createSynthetic(options)), hasMany }
}

function recorded(name: 'pile' | 'vehicles' | 'crowd'): Chosen {
  const [seed] = JUDGING_SEEDS
  return {
    create: async () => createReplay(`scene: ${name}`, await loadScene(name, seed, SCENE_SECONDS)),
    hasMany: false,
  }
}

/** Of a hundred entities, so many go and come each tick. */
const CHURN_SHARE = 0.002

function chosen(isQuick: boolean): readonly Chosen[] {
  if (isQuick) return [synthetic(1_000, 0.1, 0, true), synthetic(1_000, 0.1, 2, false)]
  const sizes = [100, 1_000, 10_000].flatMap((entities) =>
    [0.1, 1].flatMap((share) =>
      [0, Math.max(1, entities * CHURN_SHARE)].map((churn) =>
        // 32 guests of 10,000 entities that all move are minutes of work for some.
        synthetic(entities, share, churn, entities < 10_000 || (share < 1 && churn === 0)),
      ),
    ),
  )
  return [...sizes, recorded('pile'), recorded('vehicles'), recorded('crowd')]
}

/** Everybody's code is compiled before anybody is timed. */
function warmUp(): void {
  const options = { ackTicks: ONE_GUEST_ACK_TICKS, loss: 0, ticks: 400, budgetMs: WARM_UP_MS, allocations: false }
  measureWorkload(createSynthetic({ entities: 300, moving: 100, churn: 1 }), CONTENDERS, options)
}

async function measureOne({ create, hasMany }: Chosen, isQuick: boolean): Promise<WorkloadFigures> {
  const timing = { ticks: isQuick ? QUICK_TICKS : TICKS, budgetMs: isQuick ? QUICK_BUDGET_MS : BUDGET_MS }
  const workload = await create()
  const perGuest = CONTENDERS.filter(({ encodes }) => encodes === 'per guest')
  const one = measureWorkload(workload, CONTENDERS, {
    ...timing,
    ackTicks: ONE_GUEST_ACK_TICKS,
    loss: 0,
    allocations: true,
  })
  if (!hasMany) return { workload: workload.name, one }
  const guests = { ...timing, budgetMs: timing.budgetMs * 3, loss: GUEST_LOSS, allocations: true }
  const many = measureWorkload(await create(), perGuest, { ...guests, ackTicks: spreadAckTicks(GUESTS) })
  const alike = measureWorkload(await create(), CONTENDERS.slice(0, 1), {
    ...guests,
    loss: 0,
    ackTicks: alikeAckTicks(GUESTS),
  })
  return { workload: workload.name, one, many, alike: alike[0]! }
}

function traitsTable(contenders: readonly Contender[]): string {
  const head = [
    'contender',
    'version',
    'how it is used',
    'precision',
    'sends',
    'finds changes',
    'encodes',
    'a lost packet',
  ]
  const rows = contenders.map((one) => [
    one.name,
    one.version,
    one.usage,
    one.precision,
    one.sends,
    one.finds,
    one.encodes,
    one.loss,
  ])
  return markdownTable(head, rows, head.length)
}

function workloadTable({ one, many, alike }: WorkloadFigures): string {
  const baton = one[0]!
  /** Encode for 32 guests; one encode for those who do it once for all. */
  const manyUs = (figures: Figures): number | undefined => {
    if (many === undefined) return undefined
    const perGuest = many.find(({ name }) => name === figures.name)
    return perGuest?.encodeUs ?? figures.encodeUs
  }
  const row = (figures: Figures): readonly string[] => [
    figures.fault === undefined ? figures.name : `${figures.name} (${figures.fault})`,
    formatNumber(figures.writeUs),
    formatNumber(figures.encodeUs),
    formatRatio(figures.encodeUs, baton.encodeUs),
    formatNumber(manyUs(figures)),
    formatRatio(manyUs(figures), manyUs(baton)),
    formatNumber(figures.decodeUs),
    formatRatio(figures.decodeUs, baton.decodeUs),
    formatNumber(figures.bytesPerTick),
    formatRatio(figures.bytesPerTick, baton.bytesPerTick),
    formatNumber((figures.bytesPerTick * 60 * 8) / 1_000),
    formatNumber(figures.allocatedBytes),
    formatNumber(figures.errorM * 1_000),
    Number.isNaN(figures.errorDegrees) ? '–' : figures.errorDegrees.toFixed(3),
  ]
  const head = [
    'contender',
    'write µs',
    'encode µs, 1 guest',
    'ratio',
    `${GUESTS} guests`,
    'ratio',
    'decode and apply µs',
    'ratio',
    'B/tick',
    'ratio',
    'kbit/s',
    'allocated B/tick',
    'worst mm',
    'worst °',
  ]
  const table = markdownTable(head, one.map(row))
  if (alike === undefined) return table
  return `${table}\n\nBaton for ${GUESTS} guests with equal acks: ${formatNumber(alike.encodeUs)} µs.`
}

export const contenderPart: Part<readonly WorkloadFigures[]> = {
  name: 'contenders',
  async measure(isQuick) {
    const figures: WorkloadFigures[] = []
    warmUp()
    for (const one of chosen(isQuick)) figures.push(await measureOne(one, isQuick))
    return figures
  },
  render(workloads) {
    return [
      '## Contenders',
      '',
      'Medians of single ticks, everybody on the same tick, in an order drawn anew each time. *Write* is the game’s own writing into the form the',
      'contender keeps; with setters that is where changes are found. One guest acks after 6 ticks, without loss; of',
      `${GUESTS} guests each acks after its own 3 to 12 ticks and loses 2 % of its packets, where a contender can mend`,
      'that. Allocations are of both ends. How exact a contender is stands under *worst*: compare bytes with that in mind.',
      '',
      traitsTable(CONTENDERS),
      ...workloads.map((one) => `\n### ${one.workload}\n\n${workloadTable(one)}`),
    ].join('\n')
  },
}
