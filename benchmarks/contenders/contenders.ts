/**
 * Everyone in the table.
 *
 * Invariant: Baton first; ratios are to it.
 */
import { baton, batonExact } from './baton.ts'
import { bitecsDiff, bitecsSnapshot, bitecsTold } from './bitecs.ts'
import { colyseusFloatViews, colyseusFloats, colyseusShorts, colyseusViews } from './colyseus.ts'
import type { Contender } from './contender.ts'
import { flatBufferFloats, flatBufferShorts } from './flatbuffer-structs.ts'
import { geckos } from './geckos.ts'
import { json } from './json.ts'
import { msgpackr } from './msgpackr.ts'
import { nengi } from './nengi.ts'
import { protobufRows } from './protobuf.ts'
import { rawFloats } from './raw-floats.ts'

export const CONTENDERS: readonly Contender[] = [
  baton,
  batonExact,
  bitecsDiff,
  bitecsTold,
  bitecsSnapshot,
  colyseusShorts,
  colyseusFloats,
  colyseusViews,
  colyseusFloatViews,
  nengi,
  geckos,
  msgpackr,
  flatBufferShorts,
  flatBufferFloats,
  protobufRows,
  json,
  rawFloats,
]
