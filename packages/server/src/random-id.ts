/**
 * Ids nobody can guess.
 *
 * Place in the house: under `lobby.ts`. Invariant: 96 bits of the given randomness, all of them used,
 * in 16 characters that are safe in a URL.
 */
import { invariant } from '@baton/core'

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** @param random unsigned 32-bit numbers; three are taken */
export function randomId(random: () => number): string {
  let id = ''
  let rest = 0
  for (let word = 0; word < 3; word++) {
    const bits = random() >>> 0
    for (let shift = 0; shift < 30; shift += 6) id += BASE64URL[(bits >>> shift) & 63]
    // Five characters take 30 bits; the two left over of each word make the sixteenth character.
    rest = (rest << 2) | (bits >>> 30)
  }
  return id + BASE64URL[rest]
}

/** An id that is not a key of `taken`. Two alike among 96 random bits mean that they are not random. */
export function freshId(random: () => number, taken: ReadonlyMap<string, unknown>): string {
  for (let attempt = 0; attempt < 8; attempt++) {
    const id = randomId(random)
    if (!taken.has(id)) return id
  }
  invariant(false, 'Lobby: options.random gave the same 96 bits eight times; pass a real random source')
}
