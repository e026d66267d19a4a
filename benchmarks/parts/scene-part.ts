/**
 * Coders on recorded scenes, on judging seeds only.
 *
 * Invariant: all coders are given the same ticks of the same recording.
 */
import { loadScene } from '../scenes/scene-cache.ts'
import { SCENE_NAMES, type SceneName } from '../scenes/scenes.ts'
import { JUDGING_SEEDS, SCENE_SECONDS } from '../scenes/seeds.ts'
import { measureScene, type SceneFigures } from '../run/scene-figures.ts'
import { formatNumber, formatRatio, markdownTable } from '../run/statistics.ts'
import type { Part } from './part.ts'

const QUICK_SECONDS = 6
/** Ticks between a snapshot and its baseline: as in Fiedler's article, and the newest possible. */
const ACK_DELAYS = [6, 1] as const

/** All seeds of the pile, which is what the field compares; one of every other scene. */
function chosen(isQuick: boolean): readonly (readonly [SceneName, number])[] {
  if (isQuick) return [['pile', JUDGING_SEEDS[0]]]
  return SCENE_NAMES.flatMap((name) =>
    (name === 'pile' ? JUDGING_SEEDS : JUDGING_SEEDS.slice(0, 1)).map((seed) => [name, seed] as const),
  )
}

export const scenePart: Part<readonly SceneFigures[]> = {
  name: 'scenes',
  async measure(isQuick) {
    const figures: SceneFigures[] = []
    for (const [name, seed] of chosen(isQuick)) {
      const trajectory = await loadScene(name, seed, isQuick ? QUICK_SECONDS : SCENE_SECONDS)
      figures.push(measureScene(name, seed, trajectory, ACK_DELAYS))
    }
    return figures
  },
  render(scenes) {
    const rows = scenes.flatMap(({ scene, seed, moving, coders }) =>
      coders.map((coder) => {
        const baton = coders.find((one) => one.coder === 'Baton' && one.ackTicks === coder.ackTicks)!
        const count = moving.find(({ ackTicks }) => ackTicks === coder.ackTicks)!.count
        return [
          `${scene} ${seed}`,
          String(coder.ackTicks),
          formatNumber(count),
          coder.coder,
          formatNumber(coder.payloadBytesPerTick),
          formatRatio(coder.payloadBytesPerTick, baton.payloadBytesPerTick),
          formatNumber(coder.bytesPerTick),
          formatNumber((coder.bytesPerTick * 60 * 8) / 1_000),
          coder.bytesPerMoving.toFixed(2),
          formatNumber(coder.worstBytes),
          formatNumber(coder.encodeUs),
          formatNumber(coder.decodeUs),
        ]
      }),
    )
    const head = [
      'scene, seed',
      'baseline, ticks back',
      'bodies changed',
      'coder',
      'payload B/tick',
      'ratio',
      'with headers',
      'kbit/s',
      'payload B per changed body',
      'worst tick B',
      'encode µs',
      'decode µs',
    ]
    return [
      '## Recorded scenes',
      '',
      'Position at 1/512 m and rotation of 9 bits, 60 ticks a second, no loss; every snapshot decoded and compared.',
      'Baton sends packets of at most 1,100 bytes with ids, ticks and acks in them; the two others are snapshots of',
      'a fixed set of bodies, without a header.',
      '',
      markdownTable(head, rows),
    ].join('\n')
  },
}
