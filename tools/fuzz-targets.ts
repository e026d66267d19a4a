/**
 * Every decoder that bytes from outside can reach, as a fuzz target. A new decoder gets its entry here.
 *
 * Invariant: a target enters through the public entry that the product uses, never around it.
 */
import { decodeControl, encodeControl, MAX_CONTROL_BYTES } from '@baton/schemas'
import { decodeLobby, decodeLobbyText, encodeLobby, encodeLobbyText } from '@baton/schemas/lobby'
import { createHostileRoom } from '../packages/replication/test/fuzz/room-target.ts'
import { goldenBytes, keptGolden } from '../schemas/fixtures/golden.ts'
import { mutate, mutateText, randomBytes, type FuzzTarget, type Random } from './fuzzing.ts'

type Decoded<T> = { ok: true; value: T } | { ok: false; reason: string }

function pick<T>(list: readonly T[], random: Random): T {
  return list[random() % list.length]!
}

/** Inputs made of a corpus of valid messages: damaged ones, some sound ones, some noise. */
function bytesFrom(corpus: readonly Uint8Array[]) {
  return (random: Random): Uint8Array => {
    const choice = random() % 16
    if (choice === 0) return randomBytes(random, 96)
    return choice === 1 ? pick(corpus, random) : mutate(pick(corpus, random), random, pick(corpus, random))
  }
}

/** A decoder of whole messages: what it accepts, it must write and read again without a difference. */
function messageTarget<T, I extends Uint8Array | string>(
  name: string,
  input: (random: Random) => I,
  decode: (input: I) => Decoded<T>,
  encode: (message: T) => I,
): FuzzTarget {
  return {
    name,
    input,
    feed(fed) {
      const decoded = decode(fed as I)
      if (!decoded.ok) return { accepted: false }
      // A message at the limit may not fit when its shared parts are written apart; that is no contradiction.
      if (fed.length > MAX_CONTROL_BYTES / 2) return { accepted: true }
      const written = encode(decoded.value)
      const again = decode(written)
      if (!again.ok) throw new Error(`accepted, but refused when written again: ${again.reason}`)
      if (String(encode(again.value)) !== String(written)) throw new Error('reads differently when written again')
      return { accepted: true }
    },
  }
}

const control = Object.values(keptGolden('control')).map(goldenBytes)
const lobby = Object.values(keptGolden('lobby'))

// Messages near the limit are where cost would show.
const largest = [
  encodeControl({
    term: 1,
    index: 1,
    body: { type: 'Despawn', request: 1, ids: Array.from({ length: 4_000 }, (_, i) => i) },
  }),
  encodeControl({
    term: 1,
    index: 1,
    body: {
      type: 'Grant',
      request: 1,
      requester: 1,
      tick: 1,
      entries: Array.from({ length: 750 }, (_, id) => ({
        id,
        owner: 1,
        authority: 1,
        ownershipSequence: 1,
        authoritySequence: 1,
      })),
    },
  }),
  encodeControl({
    term: 1,
    index: 1,
    body: {
      type: 'Roster',
      nextSlot: 500,
      members: Array.from({ length: 400 }, (_, slot) => ({
        slot,
        peer: `peer-${slot}`,
        voter: slot < 7,
        canHost: true,
      })),
      former: [],
      tick: 9,
    },
  }),
]

/** A host with a member that damages everything it sends. */
function roomTarget(): FuzzTarget {
  const room = createHostileRoom(1)
  const honest = room.honestEntities
  let channel = 0
  return {
    name: 'a host and its room',
    input(random) {
      const chosen = pick(room.corpus, random)
      channel = random() % 16 === 0 ? [0, 1, 2, 16][random() % 4]! : chosen.channel
      return random() % 16 === 0
        ? randomBytes(random, 96)
        : mutate(chosen.bytes, random, pick(room.corpus, random).bytes)
    },
    feed(fed) {
      const accepted = room.feed(channel, fed as Uint8Array)
      if (room.honestEntities < honest) throw new Error("an honest peer's entity is gone")
      return { accepted }
    },
  }
}

const texts = lobby.map(({ text }) => text!)

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  messageTarget('control', bytesFrom([...control, ...control, ...largest]), decodeControl, encodeControl),
  messageTarget('lobby bytes', bytesFrom(lobby.map(goldenBytes)), decodeLobby, encodeLobby),
  messageTarget(
    'lobby text',
    (random) =>
      random() % 16 === 0 ? pick(texts, random) : mutateText(pick(texts, random), random, pick(texts, random)),
    decodeLobbyText,
    encodeLobbyText,
  ),
  roomTarget(),
]
