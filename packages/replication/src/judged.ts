/**
 * What the host remembers of the requests it has seen, so that none is judged twice: the log says which
 * were done, and this which it refused.
 *
 * Invariant: bounded per slot; forgotten with the reign, since the next host judges what is not in the log.
 */
import type { Judged } from './log-state.ts'
import type { ReplicationState } from './state.ts'

/** Refusals remembered per slot, so that one that was lost can be told again. */
const MAX_REFUSED = 256

/** The highest request of a slot that the log answers, committed or not. */
export function loggedRequest({ logged, tail }: ReplicationState, slot: number): number {
  const committed = logged.get(slot) ?? 0
  // A slot's requests are in the log in the order of their numbers: the last one tells.
  for (let at = tail.entries.length - 1; at >= 0; at -= 1) {
    const { requester, body } = tail.entries[at]!.entry
    if (requester === slot && 'request' in body) return Math.max(committed, body.request)
  }
  return committed
}

/** The highest request of a slot that needs no verdict any more. */
export function answeredRequest(state: ReplicationState, slot: number): number {
  return Math.max(loggedRequest(state, slot), state.judged.get(slot)?.highest ?? 0)
}

export function noteJudged({ judged }: ReplicationState, slot: number, request: number): Judged {
  let one = judged.get(slot)
  if (one === undefined) judged.set(slot, (one = { highest: 0, refused: new Map() }))
  one.highest = Math.max(one.highest, request)
  return one
}

export function noteRefused(state: ReplicationState, slot: number, request: number, id: number, reason: string): void {
  const { refused } = noteJudged(state, slot, request)
  refused.set(request, { id, reason })
  for (const oldest of refused.keys()) {
    if (refused.size <= MAX_REFUSED) break
    refused.delete(oldest)
  }
}
