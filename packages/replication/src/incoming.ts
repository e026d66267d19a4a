/**
 * The receive spine: what has changed among the peers, the log, requests and answers, then rows, then
 * the picture of it.
 *
 * Invariant: bytes never throw past here. A packet that is bad is dropped whole and counted against
 * the link it came on.
 */
import type { Peer, ReceivedControl } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import { acceptRow } from './accept-row.ts'
import { answerWaiting, takeRequest } from './arbiter.ts'
import { answerOwn } from './ask.ts'
import { isFarAhead } from './authority/accept-update.ts'
import { takeBaselineAck, takeBaselineChunk, takeWorld } from './joins.ts'
import { takeLog } from './log.ts'
import { followTerm, hostChanged, peerExited, peerReady } from './membership.ts'
import { offerChecks } from './mending.ts'
import { peekHeader } from './pipeline/packet.ts'
import { isLaterTick } from './pipeline/row-store.ts'
import { refuseOwn } from './pending.ts'
import { restoreHostState, takeHostStateChunk } from './host-state.ts'
import { guardCallback } from './outbox.ts'
import { present } from './present.ts'
import type { Link, ReplicationState } from './state.ts'
import { acceptHoldings, isBeforeReign, offerHoldings } from './take-over.ts'

export function receiveFrame(state: ReplicationState, nowMs: number): void {
  const { network } = state
  state.nowMs = nowMs
  network.receive(nowMs)
  takeChanges(state)
  followTerm(state)
  takeLog(state)
  takeControl(state)
  takeWorld(state)
  if (network.isHost) answerRequests(state)
  offerHoldings(state)
  offerChecks(state)
  restoreWhenActing(state)
  takeState(state)
  const tick = network.tick(nowMs)
  for (const link of state.links.values()) link.decoder.expire(tick)
  present(state, nowMs)
}

/** In the order of the log this makes, the host's own come first. */
function answerRequests(state: ReplicationState): void {
  answerOwn(state)
  answerWaiting(state)
}

/** Before this peer simulates a first frame as the host. What it restores is used up, so once. */
function restoreWhenActing(state: ReplicationState): void {
  const { hostState, network, nowMs } = state
  if (hostState && network.lower.isActing) {
    restoreHostState(hostState, nowMs, (callback) => guardCallback(state, callback))
  }
}

function takeChanges(state: ReplicationState): void {
  for (const change of state.network.lower.takeChanges()) {
    if (change.kind === 'ready') peerReady(state, change.peer)
    else if (change.kind === 'exited') peerExited(state, change.peer)
    else if (change.kind === 'hostchanged') hostChanged(state)
    else if (change.kind === 'unlinked') state.links.delete(change.peer)
  }
}

/** Messages that may wait for what they belong to: channels overtake one another. */
const MAX_EARLY = 1_024

function takeControl(state: ReplicationState): void {
  const { network, early } = state
  if (early.length > 0) for (const one of early.splice(0)) takeMessage(state, one)
  for (const one of network.lower.takeControl()) takeMessage(state, one)
}

function takeMessage(state: ReplicationState, received: ReceivedControl): void {
  const { network, counters, early } = state
  const { from, message } = received
  const link = state.links.get(from)
  const isEarly = isFromNextTerm(state, message.term) || (message.body.type === 'Holdings' && isBeforeReign(state))
  if (!link?.subscribed || isEarly) {
    // The roster or the welcome that it belongs to is still on the way; a peer that has gone sends none.
    if (network.peers.includes(from) && early.length < MAX_EARLY) early.push(received)
    return
  }
  // What a peer held in an earlier reign says nothing of this one's names; it will say so anew. And who hosted then
  // may have said something as host that was long under way.
  const isBound = message.body.type === 'Holdings' || isHostsWord(message.body)
  if (message.term !== network.term && (!network.isHost || isBound)) return
  if (takeBody(state, link, message.body, message.index)) return
  if (network.isHost) counters.requestsInvalid += 1
  else counters.logInvalid += 1
  if (network.isHost || from.isHost) network.lower.breach(from, `unexpected ${message.body.type}`)
}

function isHostsWord({ type }: ControlBody): boolean {
  return type === 'RequestRefused' || type === 'BaselineChunk' || type === 'HostStateChunk'
}

/** Terms only grow; the wrap is four billion changes of host away. */
function isFromNextTerm(state: ReplicationState, term: number): boolean {
  return term > state.network.term
}

/** @returns false when the body is not for this role, or does not parse */
function takeBody(state: ReplicationState, link: Link, body: ControlBody, index: number): boolean {
  const { network } = state
  if (body.type === 'Holdings') return (network.isHost || link.peer.isHost) && acceptHoldings(state, link, body)
  if (network.isHost) {
    if (body.type === 'BaselineAck') {
      takeBaselineAck(state, link.peer, body.baseline, body.index)
      return true
    }
    return takeRequest(state, link, body, index)
  }
  if (!link.peer.isHost) return false
  if (body.type === 'HostStateChunk') {
    return state.hostState === undefined || takeHostStateChunk(state.hostState, network.term, body, state.nowMs)
  }
  if (body.type === 'BaselineChunk') return takeBaselineChunk(state, link.peer, body)
  if (body.type !== 'RequestRefused') return false
  refuseOwn(state, body.request, body.reason)
  return true
}

function takeState(state: ReplicationState): void {
  const { network, counters, links } = state
  for (const { from, data } of network.lower.takeState()) {
    const link = links.get(from)
    counters.packetsReceived += 1
    // Without a world there is nothing for rows to land in; what was on its way may be of an earlier link.
    if (!link || !state.synced || !isForUs(state, from, data)) {
      counters.packetsDropped += 1
      continue
    }
    const result = link.decoder.decode(data)
    if (result === 'malformed') {
      counters.packetsDropped += 1
      network.lower.breach(from, 'malformed state packet')
    }
    // What it acks is true also where its rows cannot be used.
    if (result === 'accepted' || result === 'unresolved') link.encoder.acknowledge(link.decoder.header)
    if (result !== 'accepted') continue
    link.owesAck = true
    countGap(state, link)
    takeRows(state, link)
  }
}

/** The session, the reign and the sender must be right before anything else of a packet is used (PK3). */
function isForUs(state: ReplicationState, from: Peer, data: Uint8Array): boolean {
  const { network } = state
  const header = peekHeader(data, state.peeked, state.peeker)
  if (!header || header.sessionTag !== (network.sessionTag & 0xffff)) return false
  if (header.term !== network.term || header.slot !== from.slot || !(network.isHost || from.isHost)) return false
  // What the host could not show yet it must not ack: it would never be sent again once it rests (OW13).
  return !network.isHost || !isFarAhead(header.tick, network.tick(state.nowMs))
}

function takeRows(state: ReplicationState, link: Link): void {
  const { network, table, delay, nowMs } = state
  const { rows, header } = link.decoder
  const nowTick = network.exactTick(nowMs)
  link.heardAtTick = nowTick
  if (link.newestTick === undefined || isLaterTick(header.tick, link.newestTick)) link.newestTick = header.tick
  let notedSlot = 0
  let notedTick = -1
  for (let row = 0; row < rows.count; row += 1) {
    const index = rows.index[row]!
    const source = rows.source[row]!
    const slot = table.authority[index]!
    if (slot !== notedSlot || source !== notedTick) delay.noteArrival((notedSlot = slot), (notedTick = source), nowTick)
    acceptRow(state, link, rows.component[row]!, index, source, rows.lanes, rows.offset[row]!)
  }
}

/** What the sequence skipped is lost, until it comes late after all. */
function countGap(state: ReplicationState, link: Link): void {
  const { sequence } = link.decoder.header
  const gap = (sequence - link.newestSequence) & 0xffff
  if (link.newestSequence < 0) link.newestSequence = sequence
  else if (gap < 0x8000) {
    state.counters.packetsLost += gap - 1
    link.newestSequence = sequence
  } else state.counters.packetsLost -= 1
}
