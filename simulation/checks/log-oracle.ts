/**
 * The one committed log that everybody must agree on: the first entry seen committed at a place is the entry there.
 *
 * Invariant: it only grows, and what it was told by one peer is never taken back by another (I5, I7, I8).
 */
import type { LogEntry } from '@baton/core'
import { encodeControl } from '@baton/schemas'
import { hashBytes } from '../trace.ts'
import type { Violations } from './violations.ts'
import { WorldModel } from './world-model.ts'

interface Known {
  readonly digest: number
  readonly term: number
  readonly type: string
  readonly from: string
}

/** The log of one generation of one session. */
interface Log {
  readonly known: Map<number, Known>
  readonly model: WorldModel
  /** Requests by slot and number, and where each was applied. */
  readonly requests: Map<string, number>
  readonly spawns: Map<number, number>
  /** Entries the model waits for the predecessors of. */
  readonly ahead: Map<number, LogEntry>
}

export class LogOracle {
  readonly #logs = new Map<string, Log>()
  readonly #violations: Violations
  /** Entries committed in all sessions. */
  committedCount = 0

  constructor(violations: Violations) {
    this.#violations = violations
  }

  model(session: string): WorldModel {
    return this.#log(session).model
  }

  hasSpawn(id: number): boolean {
    for (const log of this.#logs.values()) if (log.spawns.has(id)) return true
    return false
  }

  committed(name: string, session: string, entry: LogEntry): void {
    const log = this.#log(session)
    const { index, term, requester, body } = entry
    const digest = hashBytes(encodeControl({ term: 0, index, entryTerm: term, requester, body }))
    const known = log.known.get(index)
    if (known === undefined) {
      log.known.set(index, { digest, term, type: body.type, from: name })
      this.committedCount++
      this.#checkFirst(log, entry)
      log.ahead.set(index, entry)
      this.#advance(log)
    } else if (known.digest !== digest) {
      this.#violations.report(
        'I5',
        `${name} has committed ${body.type} of term ${term} at ${index} of session ${session}, ` +
          `where ${known.from} has ${known.type} of term ${known.term}`,
      )
    }
  }

  #log(session: string): Log {
    let log = this.#logs.get(session)
    if (log === undefined) {
      log = { known: new Map(), model: new WorldModel(), requests: new Map(), spawns: new Map(), ahead: new Map() }
      this.#logs.set(session, log)
    }
    return log
  }

  #checkFirst(log: Log, { index, requester, body }: LogEntry): void {
    const request = 'request' in body ? body.request : 0
    if (request !== 0 && requester !== 0) {
      const key = `${requester} ${request}`
      const before = log.requests.get(key)
      if (before !== undefined) {
        this.#violations.report('I8', `request ${request} of slot ${requester} stands at ${before} and at ${index}`)
      }
      log.requests.set(key, index)
    }
    if (body.type === 'Spawn') {
      const before = log.spawns.get(body.id)
      if (before !== undefined)
        this.#violations.report('I7', `entity ${body.id} is spawned at ${before} and at ${index}`)
      log.spawns.set(body.id, index)
    }
  }

  #advance(log: Log): void {
    for (;;) {
      const entry = log.ahead.get(log.model.index + 1)
      if (entry === undefined) return
      log.ahead.delete(entry.index)
      log.model.apply(entry)
    }
  }
}
