/**
 * Asks the host, wherever it is: another peer over its link, this peer through its own arbiter. Both
 * ways a request has a number, and is repeated until the log or a refusal answers it.
 *
 * Invariant: each request names the unanswered one before it, so that no host takes one out of its turn,
 * whatever was lost on the way (LG6).
 */
import type { Peer } from '@baton/core'
import { answerRequest } from './arbiter.ts'
import { answeredRequest } from './judged.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { PendingRequest, ReplicationState } from './state.ts'
import type { LogBody } from './log-state.ts'

/** Silence after which a request is sent again. Duplicates are cheap: the host knows them by their numbers. */
const REPEAT_MS = 200
/** Requests repeated at a time; the rest follow in their turn. */
const MAX_REPEATS = 64

/** Gives the request its number and asks, at once or as soon as there is a host that answers. @returns the number */
export function ask(state: ReplicationState, id: NetworkId, body: LogBody): number {
  const request = state.nextRequest
  state.nextRequest += 1
  const pending: PendingRequest = { request, id, body: { ...body, request }, sentMs: -Infinity }
  const before = newestPending(state)
  state.pending.set(request, pending)
  const { host } = state.network
  if (state.network.isHost) answerOwn(state)
  else if (host !== undefined && state.links.get(host)?.subscribed) send(state, host, pending, before)
  return request
}

/** A host is ready: everything unanswered goes to it, in the order it was asked. */
export function askAgain(state: ReplicationState): void {
  const { host } = state.network
  if (host === undefined) return
  let before = 0
  for (const pending of state.pending.values()) {
    send(state, host, pending, before)
    before = pending.request
  }
}

/** Every frame: what has had no answer for a while is asked again. */
export function repeatRequests(state: ReplicationState): void {
  const { network, pending, nowMs } = state
  if (network.isHost) return answerOwn(state)
  const { host } = network
  if (host === undefined || !state.links.get(host)?.subscribed) return
  let repeats = 0
  let before = 0
  for (const one of pending.values()) {
    if (nowMs - one.sentMs >= REPEAT_MS) {
      send(state, host, one, before)
      repeats += 1
      if (repeats === MAX_REPEATS) return
    }
    before = one.request
  }
}

/** Host: its own game's requests, each once, in order, for as long as it may decide. */
export function answerOwn(state: ReplicationState): void {
  const { network, pending } = state
  // A listener of the game asks while another request is on its way into the log: this one is next.
  if (state.isAnsweringOwn || state.isTakingLog || !network.isHost) return
  state.isAnsweringOwn = true
  const { slot } = network.local
  for (let next = answeredRequest(state, slot) + 1; next < state.nextRequest; next += 1) {
    const one = pending.get(next)
    if (one === undefined) continue
    if (!network.lower.isActing || answerRequest(state, { slot, link: undefined }, one.body) === 'later') break
  }
  state.isAnsweringOwn = false
}

function newestPending({ pending, nextRequest }: ReplicationState): number {
  let newest = 0
  // Usually the one before this is pending, or nothing is.
  if (pending.has(nextRequest - 2)) newest = nextRequest - 2
  else for (const request of pending.keys()) newest = request
  return newest
}

/** @param before the request of this peer that must be answered first; 0 for none */
function send(state: ReplicationState, host: Peer, pending: PendingRequest, before: number): void {
  state.network.lower.sendControl(host, pending.body, before)
  pending.sentMs = state.nowMs
}
