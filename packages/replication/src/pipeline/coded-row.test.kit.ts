/** A row as bits without an encoder, for tests of what is next to it. */
import type { Reference } from './delta.ts'
import type { GroupStart } from './coded-rows.ts'
import { codeRow, codeWords } from './row-code.ts'
import type { ComponentSchema } from '../schema/component-schema.ts'

type Shape = Pick<ComponentSchema, 'groups'>

/** The code of `lanes` against `ref`, all groups predicted alike; it begins at word 0. */
export function codedRow({ groups }: Shape, lanes: Int32Array, age: number, ref: Reference, line = false): Int32Array {
  const schema = { groups } as ComponentSchema
  const words = new Int32Array(codeWords(schema))
  codeRow(schema, lanes, 0, age, ref, new Uint8Array(groups.length).fill(line ? 1 : 0), words, 0)
  return words
}

/** Groups that begin at half their width. */
export function startOf({ groups }: Shape, line = false): GroupStart {
  return {
    line: new Uint8Array(groups.length).fill(line ? 1 : 0),
    width: Uint8Array.from(groups, ({ bits }) => bits >> 1),
  }
}
