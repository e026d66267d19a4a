/**
 * Seeded damage for messages: what a broken or hostile sender would do to them.
 *
 * Invariant: a pure function of its arguments; the same random source gives the same bytes.
 */

/** Next unsigned 32-bit number. */
export type Random = () => number

/** xorshift32 over a mixed seed; small, fast, and good enough to choose damage. */
export function seededRandom(seed: number): Random {
  let state = Math.imul((seed ^ 0x9e3779b9) >>> 0, 0x85ebca6b) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>>= 0)
  }
}

// Lengths and offsets that have broken parsers before: signs, overflows of count times size, near misses.
const WORDS = [
  0, 1, 2, 3, 4, 7, 8, 12, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffc, 0xffff, 0x10000, 0x3fffffff, 0x40000000,
]
const LONG_WORDS = [...WORDS, 0x7ffffffc, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff]

type Damage = (bytes: Uint8Array<ArrayBuffer>, random: Random, other: Uint8Array) => Uint8Array<ArrayBuffer>

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const damages: readonly Damage[] = [
  function flipBit(bytes, random) {
    bytes[random() % bytes.length]! ^= 1 << (random() % 8)
    return bytes
  },
  function setByte(bytes, random) {
    bytes[random() % bytes.length] = random()
    return bytes
  },
  function setWord(bytes, random) {
    if (bytes.length < 4) return bytes
    const at = random() % (bytes.length - 3)
    viewOf(bytes).setUint32(random() % 4 === 0 ? at : at & ~3, LONG_WORDS[random() % LONG_WORDS.length]!, true)
    return bytes
  },
  function setHalfWord(bytes, random) {
    if (bytes.length < 2) return bytes
    viewOf(bytes).setUint16((random() % (bytes.length - 1)) & ~1, WORDS[random() % WORDS.length]!, true)
    return bytes
  },
  function nudgeWord(bytes, random) {
    if (bytes.length < 4) return bytes
    const at = (random() % (bytes.length - 3)) & ~3
    const view = viewOf(bytes)
    view.setUint32(at, view.getUint32(at, true) + ((random() % 33) - 16), true)
    return bytes
  },
  function retarget(bytes, random) {
    // Points one word at another place of the message: shared parts, loops, tables read as other tables.
    if (bytes.length < 8) return bytes
    const at = (random() % (bytes.length - 3)) & ~3
    const to = (random() % (bytes.length - 3)) & ~3
    viewOf(bytes).setUint32(at, random() % 2 === 0 ? to - at : at - to, true)
    return bytes
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random() % (bytes.length + 1))
  },
  function remove(bytes, random) {
    const from = random() % bytes.length
    const kept = bytes.slice(0, bytes.length - Math.min(bytes.length - from, 1 + (random() % 16)))
    kept.set(bytes.subarray(bytes.length - (kept.length - from)), from)
    return kept
  },
  function splice(bytes, random, other) {
    if (other.length === 0) return bytes
    const from = random() % other.length
    const part = other.subarray(from, from + 1 + (random() % 64))
    const at = random() % bytes.length
    const spliced = new Uint8Array(Math.max(bytes.length, at + part.length))
    spliced.set(bytes)
    spliced.set(part, at)
    return spliced
  },
  function repeat(bytes, random) {
    const from = random() % bytes.length
    bytes.copyWithin(random() % bytes.length, from, from + 1 + (random() % 64))
    return bytes
  },
]

/**
 * A damaged copy of `bytes`; one to eight kinds of damage, one after the other.
 * @param other another valid message, a source of parts that make sense in the wrong place
 */
export function mutate(bytes: Uint8Array, random: Random, other: Uint8Array = bytes): Uint8Array<ArrayBuffer> {
  let damaged = Uint8Array.from(bytes)
  for (let i = 1 + (random() % 3) * (random() % 4); i > 0; i--) {
    if (damaged.length > 0) damaged = damages[random() % damages.length]!(damaged, random, other)
  }
  return damaged
}

export function randomBytes(random: Random, maxBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: random() % (maxBytes + 1) }, random)
}

// One of each of JSON's signs, then the words and values that parsers and mergers have tripped over.
const TEXT_PARTS = [
  ...['{', '}', '[', ']', '"', ':', ',', '\\', ' ', 'null', 'true', '1', '-1', '1e400', '0.5', '65536', '""'],
  ...['\\u0000', '\\ud800', '\ud800', '\u0000', '"__proto__"', '"constructor"', '"prototype"', '"toString"', '"kind"'],
  ...['"type"', '"toId"', '"sdp"', '"offer"', '"candidate"', '"__proto__":{"polluted":1},', '[[[[[[[[', '{"a":{"a":'],
]

/** As `mutate`, for text: characters lost, parts of other messages, and JSON's sharper tokens. */
export function mutateText(text: string, random: Random, other: string = text): string {
  let damaged = text
  for (let i = 1 + (random() % 3); i > 0; i--) {
    const at = random() % (damaged.length + 1)
    const lost = random() % 3 === 0 ? random() % 12 : 0
    const from = random() % (other.length + 1)
    const part =
      random() % 2 === 0 ? TEXT_PARTS[random() % TEXT_PARTS.length]! : other.slice(from, from + (random() % 24))
    damaged = damaged.slice(0, at) + part + damaged.slice(at + lost)
  }
  return damaged
}
