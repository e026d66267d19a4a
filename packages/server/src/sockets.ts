/**
 * What the lobby remembers of one open socket and of the address it came from.
 *
 * Place in the house: plain data under `lobby.ts`; pure.
 * Invariant: an address counts its sockets until the door says they are closed, so that a stranger
 * who is slow to close gains nothing by it.
 */
import { createBucket, refill, take } from './limits.ts'
import type { Bucket, LobbyLimits } from './limits.ts'
import type { SocketId } from './lobby-events.ts'
import type { Member } from './rooms.ts'

export interface Socket {
  readonly id: SocketId
  readonly address: Address
  readonly messages: Bucket
  readonly bytes: Bucket
  /** Answers go out as the last frame came in. */
  text: boolean
  /** Told to close; waits for the door's `closed` and hears nothing more. */
  closing: boolean
  member: Member | undefined
  helloDeadlineMs: number
  pingDueMs: number
  missedPings: number
}

export interface Address {
  readonly name: string
  readonly joins: Bucket
  sockets: number
}

export type AddressTable = Map<string, Address>

/** @param text a plain page, which is spoken to before it says anything; others say `Join` in bytes or text */
export function createSocket(
  id: SocketId,
  address: Address,
  text: boolean,
  limits: LobbyLimits,
  nowMs: number,
): Socket {
  return {
    id,
    address,
    messages: createBucket(limits.messageBurst, nowMs),
    bytes: createBucket(limits.byteBurst, nowMs),
    text,
    closing: false,
    member: undefined,
    helloDeadlineMs: nowMs + limits.helloTimeoutMs,
    pingDueMs: nowMs + limits.pingIntervalMs,
    missedPings: 0,
  }
}

/** Pays for one message of `size`; false when the socket has sent too much of late. */
export function pay(socket: Socket, size: number, limits: LobbyLimits, nowMs: number): boolean {
  return (
    take(socket.messages, 1, limits.messageBurst, limits.messagesPerSecond, nowMs) &&
    take(socket.bytes, size, limits.byteBurst, limits.bytesPerSecond, nowMs)
  )
}

export function addressOf(table: AddressTable, name: string, limits: LobbyLimits, nowMs: number): Address {
  let address = table.get(name)
  if (address === undefined) {
    if (table.size >= limits.addresses) forgetAddresses(table, () => true)
    address = { name, joins: createBucket(limits.joinBurstPerAddress, nowMs), sockets: 0 }
    table.set(name, address)
  }
  return address
}

/** Pays for one join; false when the address has joined too often of late. */
export function payJoin(address: Address, limits: LobbyLimits, nowMs: number): boolean {
  return take(address.joins, 1, limits.joinBurstPerAddress, limits.joinsPerSecondPerAddress, nowMs)
}

/** Forgets addresses that hold no socket and owe nothing. */
export function forgetRestedAddresses(table: AddressTable, limits: LobbyLimits, nowMs: number): void {
  forgetAddresses(table, ({ joins }) =>
    refill(joins, limits.joinBurstPerAddress, limits.joinsPerSecondPerAddress, nowMs),
  )
}

function forgetAddresses(table: AddressTable, rested: (address: Address) => boolean): void {
  for (const address of table.values()) if (address.sockets === 0 && rested(address)) table.delete(address.name)
}
