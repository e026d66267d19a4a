/**
 * The host's judge of requests, its own game's among them: each number once and in order, while the host
 * holds its lease. What comes while it does not waits here, or goes to the next host.
 *
 * Invariant: the requester is the link the bytes came on, never a field.
 */
import type { ControlBody } from '@baton/schemas'
import { judgeRequest } from './incoming-requests.ts'
import { answeredRequest, noteJudged, noteRefused } from './judged.ts'
import { refuseOwn } from './pending.ts'
import type { Link, ReplicationState } from './state.ts'
import type { LogBody } from './log-state.ts'

export interface Requester {
  readonly slot: number
  /** `undefined` for this peer itself. */
  readonly link: Link | undefined
}

/** Requests of one guest that wait while the host may not decide. What is over it will be asked again. */
const MAX_WAITING_REQUESTS = 1_024

/**
 * Takes a guest's request.
 * @param before number of the guest's unanswered request before it; 0 for none
 * @returns false for a body that no guest may send: a breach of the protocol
 */
export function takeRequest(state: ReplicationState, link: Link, body: ControlBody, before: number): boolean {
  if (!('request' in body) || body.type === 'Grant' || body.type === 'RequestRefused') return false
  if (body.type === 'RequestApplied' || body.request === 0) return false
  const { slot } = link.peer
  const answered = answeredRequest(state, slot)
  if (body.request <= answered) {
    const again = state.judged.get(slot)?.refused.get(body.request)
    if (again !== undefined) sendRefusal(state, link, body.request, again.id, again.reason)
    return true
  }
  const newest = link.waiting.at(-1)?.request ?? answered
  // It waits already; or the one before it was lost, and both come again.
  if (body.request <= newest || before > newest) return true
  if (link.waiting.length > 0 || !state.network.lower.isActing) {
    if (link.waiting.length < MAX_WAITING_REQUESTS) link.waiting.push(body)
    return true
  }
  const verdict = answerRequest(state, { slot, link }, body)
  if (verdict === 'later') link.waiting.push(body)
  return verdict !== 'invalid'
}

/** Host, every frame: answers what had to wait. */
export function answerWaiting(state: ReplicationState): void {
  for (const link of state.links.values()) {
    while (link.waiting.length > 0 && state.network.lower.isActing) {
      const body = link.waiting[0]!
      const { slot } = link.peer
      const verdict = body.request <= answeredRequest(state, slot) ? 'done' : answerRequest(state, { slot, link }, body)
      if (verdict === 'later') break
      link.waiting.shift()
      if (verdict === 'invalid') {
        state.counters.requestsInvalid += 1
        state.network.lower.breach(link.peer, `a ${body.type} that cannot be`)
      }
    }
  }
}

/** Judges one request for good, unless it must be asked again later. */
export function answerRequest(
  state: ReplicationState,
  requester: Requester,
  body: LogBody,
): 'done' | 'later' | 'invalid' {
  const { slot, link } = requester
  const { request } = body
  const verdict = judgeRequest(state, slot, body)
  if (verdict === 'later') return verdict
  noteJudged(state, slot, request)
  if (verdict === 'done') return verdict
  const reason = verdict === 'invalid' ? 'invalid' : verdict.reason
  const id = 'id' in body ? body.id : 'ids' in body ? (body.ids[0] ?? 0) : 0
  state.counters.requestsRefused += 1
  noteRefused(state, slot, request, id, reason)
  // Also what nobody may ask: whoever meant it waits for an answer.
  if (link === undefined) refuseOwn(state, request, reason)
  else sendRefusal(state, link, request, id, reason)
  return verdict === 'invalid' ? verdict : 'done'
}

function sendRefusal(state: ReplicationState, link: Link, request: number, id: number, reason: string): void {
  state.network.lower.sendControl(link.peer, { type: 'RequestRefused', request, id, reason, entry: undefined })
}
