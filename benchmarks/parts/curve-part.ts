/**
 * How cost grows, and what rest costs.
 *
 * Invariant: each curve ends with the power it grows with.
 */
import { ACK_WORLD, measureAcks, type AckFigures } from '../run/ack-figures.ts'
import { measureCurves, measureRest, type Curve, type RestFigures } from '../run/curve-figures.ts'
import { formatNumber, markdownTable } from '../run/statistics.ts'
import type { Part } from './part.ts'

export interface CurveResult {
  readonly acks: readonly AckFigures[]
  readonly curves: readonly Curve[]
  readonly rest: RestFigures
}

const ENTITIES = [100, 300, 1_000, 3_000, 10_000] as const
const GUESTS = [1, 2, 4, 8, 16, 32] as const
const TICKS = 40
const QUICK_TICKS = 20
const REST_ENTITIES = 10_000
const QUICK_REST_ENTITIES = 3_000
const ACK_TICKS = 600
const QUICK_ACK_TICKS = 120

export const curvePart: Part<CurveResult> = {
  name: 'curves',
  measure(isQuick) {
    const ticks = isQuick ? QUICK_TICKS : TICKS
    const [entities, guests] = isQuick ? [ENTITIES.slice(0, 3), [1, 8, 32]] : [ENTITIES, GUESTS]
    const ackTicks = isQuick ? QUICK_ACK_TICKS : ACK_TICKS
    const acks = [1, 3, 6, 12].flatMap((back) => [0, 0.05].map((loss) => measureAcks(back, loss, ackTicks)))
    const curves = measureCurves(entities, guests, ticks)
    return Promise.resolve({ acks, curves, rest: measureRest(isQuick ? QUICK_REST_ENTITIES : REST_ENTITIES, ticks) })
  },
  render({ acks, curves, rest }) {
    const tables = curves.map(({ name, unit, points, growth }) => {
      const rows = points.map(({ size, encodeUs, decodeUs, bytesPerTick }) => [
        formatNumber(size),
        ...[encodeUs, encodeUs / size, decodeUs, bytesPerTick].map(formatNumber),
      ])
      const head = [
        unit,
        'encode µs',
        `µs per ${unit.replace(/ies$/, 'y').replace(/s$/, '')}`,
        'decode µs',
        'B/tick to one',
      ]
      return `${name}: encode time grows with the power ${growth.toFixed(2)}.\n\n${markdownTable(head, rows)}`
    })
    const share = ((rest.restingUs / rest.movingUs) * 100).toFixed(1)
    return [
      '## Curves',
      '',
      tables.join('\n\n'),
      '',
      ackTable(acks),
      '',
      `${formatNumber(rest.entities)} entities at rest, found by scanning: ${formatNumber(rest.restingUs)} µs, ${share} % of the`,
      `${formatNumber(rest.movingUs)} µs that they take when all move; where the game marks what it wrote,`,
      `${formatNumber(rest.markedUs)} µs, ${((rest.markedUs / rest.movingUs) * 100).toFixed(1)} %.`,
    ].join('\n')
  },
}

function ackTable(acks: readonly AckFigures[]): string {
  const { entities, moving } = ACK_WORLD
  const rows = acks.map(({ ackTicks, loss, bytes, payloadBytes }) => [
    String(ackTicks),
    `${loss * 100} %`,
    bytes.toFixed(2),
    payloadBytes.toFixed(2),
  ])
  const table = markdownTable(['acks back, ticks', 'loss', 'B per moving entity and tick', 'without headers'], rows)
  return `Bytes against the age of acks, ${formatNumber(entities)} entities, ${moving} moving:\n\n${table}`
}
