import { transportContract } from '@baton/core/testing/transport-contract'
import { createNodeRoom } from './testing/node-room.ts'

// A connect takes a second now and then (node-datachannel repeats a lost DTLS flight), so rounds are many.
const OPTIONS = { maxRounds: 3_000, timeoutMs: 60_000 }

transportContract('node-datachannel', () => createNodeRoom('node-datachannel'), OPTIONS)
transportContract('@roamhq/wrtc', () => createNodeRoom('roamhq'), OPTIONS)
transportContract(
  'node-datachannel first, then @roamhq/wrtc',
  () => createNodeRoom('node-datachannel', 'roamhq'),
  OPTIONS,
)
transportContract(
  '@roamhq/wrtc first, then node-datachannel',
  () => createNodeRoom('roamhq', 'node-datachannel'),
  OPTIONS,
)
