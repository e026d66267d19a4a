/**
 * Thin links.
 *
 * Invariant: the widest budget has room for everything, so that the others can be compared with it.
 */
import { BUDGET_ENTITIES, measureBudget, type BudgetFigures } from '../run/budget-figures.ts'
import { formatNumber, markdownTable } from '../run/statistics.ts'
import type { Part } from './part.ts'

const BUDGETS = [16_000, 64_000, 125_000, 250_000, 1_000_000] as const
const QUICK_BUDGETS = [64_000, 250_000] as const

export const budgetPart: Part<readonly BudgetFigures[]> = {
  name: 'budget',
  measure: (isQuick) => Promise.resolve((isQuick ? QUICK_BUDGETS : BUDGETS).map(measureBudget)),
  render(figures) {
    const percent = (share: number): string => `${(share * 100).toFixed(0)} %`
    const head = [
      'budget kB/s',
      'sent, least second',
      'most',
      'packets per tick',
      'B per packet',
      'rows per tick',
      'mean age, ticks',
      'oldest',
      'encode µs',
    ]
    const rows = figures.map((one) => [
      formatNumber(one.budgetBytesPerSecond / 1_000),
      percent(one.leastShare),
      percent(one.mostShare),
      formatNumber(one.packetsPerTick),
      formatNumber(one.bytesPerPacket),
      formatNumber(one.rowsPerTick),
      formatNumber(one.meanAge),
      formatNumber(one.oldestAge),
      formatNumber(one.encodeUs),
    ])
    return [
      '## Budget',
      '',
      `${formatNumber(BUDGET_ENTITIES)} entities that all move and are equally important, one guest, acks 6 ticks back. Age is`,
      'the number of ticks since a row was sent last. Each packet costs some 90 bytes more below, whatever is in it.',
      '',
      markdownTable(head, rows),
    ].join('\n')
  },
}
