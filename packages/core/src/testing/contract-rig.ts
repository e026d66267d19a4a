/**
 * Drives the members of a room under test: joins them, polls them, waits until something has happened.
 *
 * Invariant: waiting is counted in rounds and never in milliseconds.
 */
import type { PeerId, Transport, TransportEvent } from '../transport/transport.ts'

/** One room of the transport under test. */
export interface ContractRoom {
  /** Another peer joins the room. */
  join(): Promise<Transport>
  /** The time to give to `poll`. */
  nowMs(): number
  /** Lets a little time pass, 1 to 20 ms: waits, or moves a virtual clock. */
  settle(): Promise<void>
  /** Releases everything, also what the test left open. */
  end(): Promise<void>
}

export interface Member {
  readonly transport: Transport
  readonly events: TransportEvent[]
}

export type MessageEvent = Extract<TransportEvent, { kind: 'message' }>

/** The driver of one test: joins members and polls them all until something has happened. */
export class Rig {
  readonly room: ContractRoom
  readonly members: Member[] = []
  readonly #maxRounds: number

  constructor(room: ContractRoom, maxRounds: number) {
    this.room = room
    this.#maxRounds = maxRounds
  }

  async join(): Promise<Member> {
    const member: Member = { transport: await this.room.join(), events: [] }
    this.members.push(member)
    return member
  }

  /** Members that all have a link to one another. */
  async mesh(count: number): Promise<Member[]> {
    for (let index = 0; index < count; index++) await this.join()
    await this.until('every link is up', () =>
      this.members.every((member) => eventsOf(member, 'connected').length === count - 1),
    )
    return this.members
  }

  poll(): void {
    for (const { transport, events } of this.members) transport.poll(this.room.nowMs(), (event) => events.push(event))
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      this.poll()
      await this.room.settle()
    }
    this.poll()
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    for (let round = 0; round < this.#maxRounds; round++) {
      this.poll()
      if (holds()) return
      await this.room.settle()
    }
    const seen = this.members.map(
      ({ transport, events }) => `${transport.local}: ${events.map(describeEvent).join(', ')}`,
    )
    throw new Error(`transport contract: waited in vain until ${what}; seen ${seen.join(' | ')}`)
  }
}

function describeEvent(event: TransportEvent): string {
  return event.kind === 'message' ? `message ${event.channel} (${event.data.length} B)` : event.kind
}

export function eventsOf<K extends TransportEvent['kind']>(
  member: Member,
  kind: K,
): Extract<TransportEvent, { kind: K }>[] {
  return member.events.filter((event): event is Extract<TransportEvent, { kind: K }> => event.kind === kind)
}

export function messagesOn(member: Member, channel: number, from?: PeerId): MessageEvent[] {
  return eventsOf(member, 'message').filter(
    (event) => event.channel === channel && (from === undefined || event.peer === from),
  )
}
