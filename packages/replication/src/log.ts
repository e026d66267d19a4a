/**
 * The spine of the log: what core says of it, in order, is all that ever changes the world's structure.
 *
 * Invariant: the world is the committed entries up to `logIndex`, applied in order; with a world that
 * was given at an index, entries up to that one are in it already.
 */
import type { LogEntry, LogEvent } from '@baton/core'
import { commit } from './commit.ts'
import { askForWorld } from './joins.ts'
import { beginAnew } from './links.ts'
import { noteReverted } from './pending.ts'
import type { ReplicationState } from './state.ts'
import { noteReign } from './take-over.ts'
import { cutTail, dropTail, takeAppended } from './tail.ts'

/** Entries that may wait for a world: at 60 spawns a tick, a second's worth. More end the wait with a newer one. */
const MAX_WAITING_ENTRIES = 4_096

/** Takes all there is. May be called while it runs, by the game's own listeners: what is new then follows. */
export function takeLog(state: ReplicationState): void {
  const { logQueue } = state
  for (const event of state.network.lower.takeLog()) logQueue.push(event)
  if (state.isTakingLog) return
  state.isTakingLog = true
  for (let at = 0; at < logQueue.length; at += 1) takeEvent(state, logQueue[at]!)
  logQueue.length = 0
  state.isTakingLog = false
}

function takeEvent(state: ReplicationState, event: LogEvent): void {
  if (event.kind === 'appended') {
    noteReign(state, event.entry)
    takeAppended(state, event.entry)
  } else if (event.kind === 'cut') {
    // A host that had to win again has judged requests of which nothing is left: they are asked and judged anew.
    state.judged.clear()
    noteReverted(state, cutTail(state, event.fromIndex))
  } else if (event.kind === 'reset') loseWorld(state, event.index)
  else if (state.synced) commit(state, event.entry)
  else wait(state, event.entry)
}

/** This peer was out while it waited: its host made a new link for it, and knows no more that it has no world. */
function isReadmission({ waitingLog, network }: ReplicationState, { body }: LogEntry): boolean {
  if (body.type !== 'Roster') return false
  const before = waitingLog.filter((entry) => entry.body.type === 'Roster').pop()?.body
  const names = (roster: typeof body): boolean => roster.members.some(({ slot }) => slot === network.local.slot)
  return before?.type === 'Roster' && !names(before) && names(body)
}

/** The log begins anew: what this peer holds says nothing until it is given the world. */
function loseWorld(state: ReplicationState, index: number): void {
  dropTail(state)
  state.waitingLog.length = 0
  state.neededIndex = index
  // Whoever hosts holds all there is, above all in a room that it has just founded.
  if (state.network.isHost) {
    state.logIndex = Math.max(state.logIndex, index)
    state.network.lower.setHoldsWorld(true)
    return
  }
  askForWorld(state)
}

function wait(state: ReplicationState, entry: LogEntry): void {
  if (isReadmission(state, entry)) beginAnew(state)
  if (state.waitingLog.length < MAX_WAITING_ENTRIES) {
    state.waitingLog.push(entry)
    return
  }
  loseWorld(state, entry.index)
}
