/**
 * Measures one part and hands its result to the process that started this one.
 *
 * Invariant: nothing is printed here; libraries that print must not spoil a result.
 */
import { PARTS, type PartName } from './parts/parts.ts'

const [name, ...flags] = process.argv.slice(2)
const result = await PARTS[name as PartName].measure(flags.includes('--quick'))
process.send!(result, undefined, {}, () => process.disconnect())
