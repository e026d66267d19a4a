/**
 * All parts, in the order in which they are printed.
 *
 * Invariant: names are unique; they are what `--only` takes.
 */
import { budgetPart } from './budget-part.ts'
import { contenderPart } from './contender-part.ts'
import { curvePart } from './curve-part.ts'
import { framePart } from './frame-part.ts'
import { joinPart } from './join-part.ts'
import { lossPart } from './loss-part.ts'
import { scenePart } from './scene-part.ts'

export const PARTS = {
  scenes: scenePart,
  contenders: contenderPart,
  loss: lossPart,
  curves: curvePart,
  budget: budgetPart,
  join: joinPart,
  frames: framePart,
} as const

export type PartName = keyof typeof PARTS
export type Results = { readonly [Name in PartName]?: Awaited<ReturnType<(typeof PARTS)[Name]['measure']>> }
