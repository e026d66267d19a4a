/** A row as bits without an encoder, for tests of what is next to it. */
import type { Reference } from '../src/pipeline/delta.ts';
import type { GroupStart } from '../src/pipeline/coded-rows.ts';
import type { ComponentSchema } from '../src/schema/component-schema.ts';
type Shape = Pick<ComponentSchema, 'groups'>;
/** The code of `lanes` against `ref`, all groups predicted alike; it begins at word 0. */
export declare function codedRow({ groups }: Shape, lanes: Int32Array, age: number, ref: Reference, line?: boolean): Int32Array;
/** Groups that begin at half their width. */
export declare function startOf({ groups }: Shape, line?: boolean): GroupStart;
export {};
