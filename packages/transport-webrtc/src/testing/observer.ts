/**
 * Polls transports and keeps what they hand over, so that a test can wait for it.
 *
 * Invariant: waiting ends with what was seen, never with a silent time-out of the runner.
 */
import type { Transport, TransportEvent } from '@baton/core'

export type EventOf<Kind extends TransportEvent['kind']> = Extract<TransportEvent, { kind: Kind }>

export interface Observed<T extends Transport = Transport> {
  readonly transport: T
  readonly events: TransportEvent[]
  all<Kind extends TransportEvent['kind']>(kind: Kind): EventOf<Kind>[]
  /** Messages on one channel, as text. */
  texts(channel: number): string[]
}

export function observe<T extends Transport>(transport: T): Observed<T> {
  const events: TransportEvent[] = []
  const all = <Kind extends TransportEvent['kind']>(kind: Kind): EventOf<Kind>[] =>
    events.filter((event): event is EventOf<Kind> => event.kind === kind)
  return {
    transport,
    events,
    all,
    texts: (channel) =>
      all('message')
        .filter((event) => event.channel === channel)
        .map((event) => new TextDecoder().decode(event.data)),
  }
}

export function poll(observed: readonly Observed[]): void {
  for (const { transport, events } of observed)
    transport.poll(performance.now(), (event) => {
      events.push(event)
    })
}

/** Polls until `holds`, for at most `limitMs`. */
export async function until(
  observed: readonly Observed[],
  what: string,
  holds: () => boolean,
  limitMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + limitMs
  for (;;) {
    poll(observed)
    if (holds()) return
    if (performance.now() > endMs) {
      const seen = observed.map(({ transport, events }) => `${transport.local}: ${events.map(describe).join(', ')}`)
      throw new Error(`waited in vain until ${what}; seen ${seen.join(' | ')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** All of them linked with all of them. */
export async function untilLinked(observed: readonly Observed[]): Promise<void> {
  await until(observed, 'all are linked', () =>
    observed.every((one) => one.all('connected').length >= observed.length - 1),
  )
}

/** Polls for a while in which nothing particular is expected. */
export async function idle(observed: readonly Observed[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    poll(observed)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function describe(event: TransportEvent): string {
  if (event.kind === 'failed') return `failed ${event.error.code}`
  if (event.kind === 'disconnected') return `disconnected ${event.reason}`
  return event.kind
}
