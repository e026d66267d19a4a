/**
 * Counts the bytes that a piece of work allocates.
 *
 * Invariant: the count is the heap's and that of array buffers beside it, without what counting costs.
 * A garbage collection in between makes it negative or small: take the median of many.
 */
import { getHeapStatistics } from 'node:v8'

function usedBytes(): number {
  const { used_heap_size: heap, external_memory: outside } = getHeapStatistics()
  return heap + outside
}

const idle = (): void => {}

function differenceOver(work: () => void): number {
  const before = usedBytes()
  work()
  return usedBytes() - before
}

/** What two looks at the heap allocate themselves: the least of many. */
let ownBytes: number | undefined

function ownCost(): number {
  if (ownBytes !== undefined) return ownBytes
  const samples = Array.from({ length: 2_000 }, () => differenceOver(idle))
  return (ownBytes = samples.sort((a, b) => a - b)[1_000]!)
}

export function countAllocatedBytes(work: () => void): number {
  const own = ownCost()
  return differenceOver(work) - own
}
