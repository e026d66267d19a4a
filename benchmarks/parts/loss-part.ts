/**
 * What 5 % of lost packets leave wrong.
 *
 * Invariant: every contender loses packets by the same seed.
 */
import { CONTENDERS } from '../contenders/contenders.ts'
import { LOSS, LOSS_WORLD, measureLoss, type LossFigures } from '../run/loss-figures.ts'
import { markdownTable } from '../run/statistics.ts'
import { measureWholeLoss } from '../run/whole-loss.ts'
import type { Part } from './part.ts'

const SEED = 1

export const lossPart: Part<readonly LossFigures[]> = {
  name: 'loss',
  measure(isQuick) {
    // Whole states mend everything by the next tick; geckos takes half a minute to show it.
    const chosen = CONTENDERS.filter(
      ({ loss }) => loss !== 'next tick has all' && (!isQuick || loss === 'mends itself'),
    )
    return Promise.resolve([measureWholeLoss(SEED), ...chosen.map((one) => measureLoss(one, SEED))])
  },
  render(figures) {
    const { entities, moving, churn } = LOSS_WORLD
    return [
      '## Loss',
      '',
      `${entities} entities, ${moving} moving, ${churn} going and coming each tick, for 4 s with ${LOSS * 100} % of state`,
      'packets lost; then 2 s at rest, and what the guest still has wrong. What a contender sends apart as structure is not',
      'lost; those with one stream lose that. Contenders that send everything each tick have nothing to mend.',
      '',
      markdownTable(
        ['contender', 'stale', 'missing', 'ghosts', 'packets it threw at', 'packets lost'],
        figures.map(({ name, stale, missing, ghosts, thrown, lostPackets }) => [
          name,
          ...[stale, missing, ghosts, thrown, lostPackets].map(String),
        ]),
      ),
    ].join('\n')
  },
}
