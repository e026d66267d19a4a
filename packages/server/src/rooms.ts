/**
 * Who is in which room, in order of joining.
 *
 * Place in the house: plain data under `lobby.ts`; pure, no clock, no sockets.
 * Invariant: a room in the table has at least one member, and a member is in exactly one room.
 */
import type { PeerId } from '@baton/core'
import type { Bucket, LobbyLimits } from './limits.ts'

/** The door's number for one open socket. Never reused within a lobby's life. */
export type SocketId = number

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
}

export type RoomTable = Map<string, Room>

export interface Entrance {
  readonly socket: SocketId
  readonly name: string
  readonly displayName: string
  readonly identity: string | undefined
  /** 0 or undefined: no wish. Heard only when the room is new. */
  readonly capacity: number | undefined
}

export type EnterRefusal = 'lobby/room-full' | 'lobby/limit'

export type EnterResult =
  | { readonly member: Member; readonly replaced: Member | undefined }
  | { readonly refusal: EnterRefusal; readonly message: string }

/**
 * Puts a member at the end of a room, opening the room when it is not there.
 *
 * The holder of the same identity is taken out first, so a full room still lets its own member back
 * in, and the room lives on with its capacity even when he was alone in it.
 */
export function enterRoom(
  rooms: RoomTable,
  entrance: Entrance,
  limits: LobbyLimits,
  createId: (room: Room) => PeerId,
): EnterResult {
  const { name, identity } = entrance
  const existing = rooms.get(name)
  const replaced = identity === undefined ? undefined : existing?.identities.get(identity)
  if (!existing && rooms.size >= limits.rooms) {
    return { refusal: 'lobby/limit', message: `lobby: ${limits.rooms} rooms are open, no more can be; try again later` }
  }
  if (existing && !replaced && existing.members.size >= existing.capacity) {
    const message = `lobby: room "${name}" is full (${existing.capacity} members); choose another room or try again later`
    return { refusal: 'lobby/room-full', message }
  }
  const room = existing ?? openRoom(rooms, name, entrance.capacity, limits)
  if (replaced) removeMember(replaced)
  const member: Member = {
    id: createId(room),
    socket: entrance.socket,
    room,
    displayName: entrance.displayName,
    identity,
    pairs: new Map(),
  }
  room.members.set(member.id, member)
  if (identity !== undefined) room.identities.set(identity, member)
  return { member, replaced }
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

function openRoom(rooms: RoomTable, name: string, wished: number | undefined, limits: LobbyLimits): Room {
  const capacity = Math.min(wished || limits.defaultCapacity, limits.maxCapacity)
  const room: Room = { name, capacity, members: new Map(), identities: new Map() }
  rooms.set(name, room)
  return room
}
