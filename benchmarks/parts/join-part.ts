/**
 * Late join: one newcomer to a world that is there.
 *
 * Invariant: contenders that have no such thing are left out, never guessed.
 */
import { CONTENDERS } from '../contenders/contenders.ts'
import { measureJoin, type JoinFigures } from '../run/join-figures.ts'
import { formatNumber, formatRatio, markdownTable } from '../run/statistics.ts'
import type { Part } from './part.ts'

const ENTITIES = 1_000

export const joinPart: Part<readonly JoinFigures[]> = {
  name: 'join',
  measure(isQuick) {
    const chosen = isQuick ? CONTENDERS.slice(0, 1) : CONTENDERS
    return Promise.resolve(chosen.flatMap((one) => measureJoin(one, ENTITIES) ?? []))
  },
  render(figures) {
    const baton = figures[0]!
    return [
      '## Late join',
      '',
      `All that a newcomer to ${formatNumber(ENTITIES)} entities needs. Baton’s has prefab, owner, authority, parent and ids that`,
      'are never used again in it, the serializers’ only a slot and a pose.',
      '',
      markdownTable(
        ['contender', 'bytes', 'ratio', 'encode µs', 'ratio', 'decode and apply µs', 'ratio'],
        figures.map((one) => [
          one.fault === undefined ? one.name : `${one.name} (${one.fault})`,
          formatNumber(one.bytes),
          formatRatio(one.bytes, baton.bytes),
          formatNumber(one.encodeUs),
          formatRatio(one.encodeUs, baton.encodeUs),
          formatNumber(one.decodeUs),
          formatRatio(one.decodeUs, baton.decodeUs),
        ]),
      ),
    ].join('\n')
  },
}
