/**
 * Who is in which room, in order of joining.
 *
 * Place in the house: plain data under `lobby.ts`; pure, no clock, no sockets.
 * Invariant: a room in the table has at least one member, and a member is in exactly one room.
 */
import type { PeerId } from '@baton/core'
import { createWitness, MAX_LEASE_MS, type WitnessState } from '@baton/core/host'
import { cleanDisplayName, IDENTITY_MAX_CHARACTERS, IDENTITY_MIN_CHARACTERS, isRoomName } from './limits.ts'
import type { Bucket, LobbyLimits } from './limits.ts'
import type { SocketId } from './lobby-events.ts'
import { freshId } from './random-id.ts'
import { refuse } from './refusals.ts'
import type { Refusal } from './refusals.ts'

export interface Member {
  readonly id: PeerId
  readonly socket: SocketId
  readonly room: Room
  readonly displayName: string
  /** The player's secret. Never leaves the lobby. */
  readonly identity: string | undefined
  /** What this member has lately sent to each other one; forgotten when either goes. */
  readonly pairs: Map<PeerId, Pair>
}

export interface Pair {
  /** Candidates since the last description. */
  candidates: number
  readonly descriptions: Bucket
}

export interface Room {
  readonly name: string
  readonly capacity: number
  /** Insertion order is the order of joining, and so the order of succession. */
  readonly members: Map<PeerId, Member>
  readonly identities: Map<string, Member>
  /** The lobby's vote in what the members decide. */
  readonly witness: WitnessState
  /** When members went, the latest last. */
  readonly gone: Map<PeerId, number>
}

/** A room that is opened sooner after the lobby began may have had an earlier witness, whose word still holds. */
const FRESH_AFTER_MS = 2 * MAX_LEASE_MS

export type RoomTable = Map<string, Room>

/** What somebody asks for at the door of a room. */
export interface JoinWish {
  readonly room: string
  readonly displayName?: string | undefined
  readonly identity?: string | undefined
  /** 0 or undefined: no wish. Heard only when the room is new. */
  readonly capacity?: number | undefined
}

export interface RoomTimes {
  readonly nowMs: number
  /** When the lobby began. */
  readonly bootMs: number
}

export type EnterResult = { readonly member: Member; readonly replaced: Member | undefined } | Refusal

/** What is wrong with the wish itself, whatever the room is like. */
export function findWishFault(wish: JoinWish): Refusal | undefined {
  if (!isRoomName(wish.room)) return refuse.roomName(wish.room)
  const length = wish.identity?.length ?? 0
  const usable = length === 0 || (length >= IDENTITY_MIN_CHARACTERS && length <= IDENTITY_MAX_CHARACTERS)
  return usable ? undefined : refuse.identity(length)
}

/**
 * Puts a member at the end of a room, opening the room when it is not there.
 *
 * The holder of the same identity is taken out first, so a full room still lets its own member back
 * in, and the room lives on with its capacity even when he was alone in it.
 */
export function enterRoom(
  rooms: RoomTable,
  wish: JoinWish,
  socket: SocketId,
  limits: LobbyLimits,
  random: () => number,
  times: RoomTimes,
): EnterResult {
  const name = wish.room
  const identity = wish.identity || undefined
  const existing = rooms.get(name)
  const replaced = identity === undefined ? undefined : existing?.identities.get(identity)
  if (!existing && rooms.size >= limits.rooms) return refuse.rooms(limits)
  if (existing && !replaced && existing.members.size >= existing.capacity)
    return refuse.roomFull(name, existing.capacity)
  const room = existing ?? openRoom(rooms, name, wish.capacity, limits, times)
  if (replaced) removeMember(replaced)
  const displayName = cleanDisplayName(wish.displayName ?? '')
  const id = freshId(random, room.members)
  const member: Member = { id, socket, room, displayName, identity, pairs: new Map() }
  room.members.set(member.id, member)
  if (identity !== undefined) room.identities.set(identity, member)
  return { member, replaced }
}

/** Remembers when a member went, for as long as there is room for it. */
export function noteGone({ gone }: Room, peer: PeerId, limits: LobbyLimits, nowMs: number): void {
  gone.set(peer, nowMs)
  if (gone.size > limits.goneRemembered) gone.delete(gone.keys().next().value!)
}

/** Takes a member out of its room and the room out of the table when nobody is left. */
export function leaveRoom(rooms: RoomTable, member: Member): void {
  removeMember(member)
  if (member.room.members.size === 0) rooms.delete(member.room.name)
}

function removeMember(member: Member): void {
  const { room } = member
  room.members.delete(member.id)
  if (member.identity !== undefined) room.identities.delete(member.identity)
  for (const other of room.members.values()) other.pairs.delete(member.id)
}

function openRoom(
  rooms: RoomTable,
  name: string,
  wished: number | undefined,
  limits: LobbyLimits,
  { nowMs, bootMs }: RoomTimes,
): Room {
  const capacity = Math.min(wished || limits.defaultCapacity, limits.maxCapacity)
  const witness = createWitness(nowMs, { isFresh: nowMs - bootMs >= FRESH_AFTER_MS })
  const room: Room = {
    name,
    capacity,
    members: new Map(),
    identities: new Map(),
    witness,
    gone: new Map(),
  }
  rooms.set(name, room)
  return room
}
