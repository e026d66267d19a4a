/**
 * Ids nobody can guess.
 *
 * Place in the house: under `lobby.ts`. Invariant: 96 bits of the given randomness, all of them used,
 * in 16 characters that are safe in a URL.
 */
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
