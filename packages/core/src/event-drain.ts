/**
 * Hands a network's queued events to handlers and listeners, at the one place of the frame where that
 * happens.
 *
 * Invariant: every event is handed over once, in order, and a handler that throws costs the others
 * none; what handlers cause is part of the same drain.
 */
import { EventEmitter } from 'eventemitter3'
import { decodeMessage } from './channels/message-data.ts'
import { NetworkListener } from './listener.ts'
import type { NetworkEvents } from './network-types.ts'
import type { ReceivedMessage, Room, RoomEvent } from './room.ts'
import { CHANNEL } from './transport/transport.ts'

export class EventDrain {
  readonly emitter = new EventEmitter<NetworkEvents>()
  readonly #listeners = new Set<NetworkListener>()
  #isDraining = false

  /** A queue of the messages that come from now on by `broadcast` and `send`. */
  listen(): NetworkListener {
    const listener = new NetworkListener((closed) => this.#listeners.delete(closed))
    this.#listeners.add(listener)
    return listener
  }

  /** Empties the room's queue. @throws the first error of a handler, when all events are out */
  drain(room: Room): void {
    // A handler that closes the network comes here again; the drain under way goes on with what that caused.
    if (this.#isDraining) return
    this.#isDraining = true
    const { events, counters } = room
    let firstError: unknown
    let hasError = false
    for (let index = 0; index < events.length; index++) {
      try {
        this.#emit(events[index]!, room)
      } catch (error) {
        counters.handlerErrors++
        if (!hasError) firstError = error
        hasError = true
      }
    }
    events.length = 0
    this.#isDraining = false
    if (hasError) throw firstError
  }

  #emit(event: RoomEvent, room: Room): void {
    const { emitter } = this
    if (event.kind === 'message') this.#emitMessage(event.message, room)
    else if (event.kind === 'peerentered' || event.kind === 'peerexited') emitter.emit(event.kind, event.peer)
    else if (event.kind === 'hostchanged') emitter.emit('hostchanged', event.host, event.change)
    else if (event.kind === 'drain') emitter.emit('drain', { peer: event.peer, channel: event.channel })
    else if (event.kind === 'error') emitter.emit('error', event.error)
    else emitter.emit(event.kind)
  }

  #emitMessage(message: ReceivedMessage, room: Room): void {
    const { peer, channel, text, bytes } = message
    if (channel < CHANNEL.firstUser) {
      for (const listener of this.#listeners) if (!listener.push(message)) room.counters.listenerDropped++
    }
    if (this.emitter.listenerCount('message') === 0) return
    this.emitter.emit('message', { peer, channel, data: decodeMessage(text, bytes), isBinary: !text })
  }
}
