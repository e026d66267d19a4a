import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { base64Decode, base64Encode, compress, crc32Of, decompress, md5Hex, sha1Hex } from './buffer-codecs.ts'
import type { Decoded } from './buffer-types.ts'
import { MAX_BUFFER_BYTES } from './buffer-types.ts'

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
const millionA = new Uint8Array(1_000_000).fill(0x61)

/** Whether it decoded to just this. `toEqual` takes seconds for long arrays. */
function isContent(decoded: Decoded<Uint8Array>, content: Uint8Array): boolean {
  return (
    decoded.ok && decoded.value.length === content.length && decoded.value.every((byte, at) => byte === content[at])
  )
}

describe('digests', () => {
  test('TB14: MD5 of the suite of RFC 1321, and of a million letters', () => {
    const suite: [string, string][] = [
      ['', 'd41d8cd98f00b204e9800998ecf8427e'],
      ['a', '0cc175b9c0f1b6a831c399e269772661'],
      ['abc', '900150983cd24fb0d6963f7d28e17f72'],
      ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
      ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
      ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
      ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
    ]
    for (const [text, digest] of suite) expect(md5Hex(bytesOf(text))).toBe(digest)
    expect(md5Hex(millionA)).toBe('7707d6ae4e027c70eea2a935c2296f21')
  })

  test('TB14: SHA-1 of the tests of RFC 3174, and of nothing', () => {
    const suite: [string, string][] = [
      ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
      ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
      ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
      [
        '0123456701234567012345670123456701234567012345670123456701234567'.repeat(10),
        'dea356a2cddd90c7a7ecedc5ebb563934f460452',
      ],
    ]
    for (const [text, digest] of suite) expect(sha1Hex(bytesOf(text))).toBe(digest)
    expect(sha1Hex(millionA)).toBe('34aa973cd4c4daa4f61eeb2bdbad27316534016f')
  })

  test('TB14: CRC-32 of known texts, unsigned', () => {
    const suite: [string, number][] = [
      ['', 0],
      ['a', 0xe8b7be43],
      ['123456789', 0xcbf43926],
      ['The quick brown fox jumps over the lazy dog', 0x414fa339],
      ['\0\0\0\0', 0x2144df1c],
    ]
    for (const [text, sum] of suite) expect(crc32Of(bytesOf(text))).toBe(sum)
    expect(crc32Of(millionA)).toBe(0xdc25bfbc)
  })

  test('TB14: CRC-32 is the remainder its polynomial defines', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        let register = 0xffffffff
        for (const byte of bytes) {
          for (let bit = 0; bit < 8; bit++) {
            const isOdd = ((register ^ (byte >> bit)) & 1) === 1
            register = (register >>> 1) ^ (isOdd ? 0xedb88320 : 0)
          }
        }
        expect(crc32Of(bytes)).toBe(~register >>> 0)
      }),
    )
  })
})

describe('base64', () => {
  test('TB14: the vectors of RFC 4648', () => {
    const pairs = [
      '',
      '',
      'f',
      'Zg==',
      'fo',
      'Zm8=',
      'foo',
      'Zm9v',
      'foob',
      'Zm9vYg==',
      'fooba',
      'Zm9vYmE=',
      'foobar',
      'Zm9vYmFy',
    ]
    for (let at = 0; at < pairs.length; at += 2) {
      expect(base64Encode(bytesOf(pairs[at]!))).toBe(pairs[at + 1])
      expect(base64Decode(pairs[at + 1]!)).toEqual({ ok: true, value: bytesOf(pairs[at]!) })
    }
    expect(base64Encode(Uint8Array.of(0xfb, 0xff, 0xbf))).toBe('+/+/')
  })

  test('TB14: any bytes are groups of six bits, and come back', () => {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
        const groups = bits.match(/.{1,6}/g) ?? []
        const text = groups.map((group) => digits[Number.parseInt(group.padEnd(6, '0'), 2)]).join('')
        const expected = text.padEnd(Math.ceil(text.length / 4) * 4, '=')
        expect(base64Encode(bytes)).toBe(expected)
        expect(base64Decode(expected)).toEqual({ ok: true, value: bytes })
        expect(base64Decode(expected.replace(/(.{5})/g, '$1\r\n \t'))).toEqual({ ok: true, value: bytes })
      }),
    )
  })

  test('TB14: anything else is refused with a reason, and no text throws', () => {
    for (const text of ['Zg=', 'Zg', 'Z', 'Zg===', '====', 'Zm9v=', 'Zm=v', 'Zm-_', 'Zm9\u00e9', '\0AAA', 'Zg==Zg==']) {
      const decoded = base64Decode(text)
      expect([text, decoded.ok]).toEqual([text, false])
      expect(!decoded.ok && decoded.reason).toMatch(/^base64: /)
    }
    fc.assert(fc.property(fc.string({ maxLength: 40 }), (text) => typeof base64Decode(text).ok === 'boolean'))
  })

  test('TB14: a text of more than a buffer is refused', () => {
    const decoded = base64Decode('A'.repeat((Math.floor(MAX_BUFFER_BYTES / 3) + 1) * 4 + 4))
    expect(!decoded.ok && decoded.reason).toBe(`base64: over ${MAX_BUFFER_BYTES} bytes`)
  })
})

/** Made by the reference zlib 1.2.13: stored, fixed codes, dynamic codes, and with the largest window. */
const REFERENCE: [string, string, Uint8Array][] = [
  ['empty', '78da030000000001', new Uint8Array(0)],
  [
    'stored',
    '7801011800e7ff68656c6c6f2068656c6c6f2068656c6c6f2c20776f726c64702e08f1',
    bytesOf('hello hello hello, world'),
  ],
  ['fixed codes', '7801cb48cdc9c957c840903a0ae5f945392900702e08f1', bytesOf('hello hello hello, world')],
  [
    'dynamic codes',
    '78da05c18701c3200c00b0771af0046cc08ce4ffab2afd12b5cd2b2fafa57a5b38e8744809c46f723cc31aa91f0e198500a8e884c16f084b1daf5a8e26440fd645a161458b4540c7ede57932db1183dd5b6d629b265fc59c51fbc89dee74e2d2afac342b233294c0295f53d136bfecb04cff021e1fe5',
    Uint8Array.from({ length: 160 }, (_, i) => 40 + ((i * i) % 23) + (i % 7)),
  ],
  [
    'window of 32 KiB',
    '78daedc10901001010003055715fff0482d8b6cf8dac9e05000000000000000000000000000000000000000000000000000000000000001fdbe74656cf03b3860649',
    bytesOf(`abcdefgh${'\0'.repeat(32760)}abcdefgh`),
  ],
]

describe('zlib', () => {
  test('TB15: reads what the reference implementation wrote', () => {
    for (const [name, hex, content] of REFERENCE) {
      expect([name, isContent(decompress(fromHex(hex), content.length), content)]).toEqual([name, true])
    }
  })

  test('TB15: what is compressed has the zlib header and comes back', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 1000 }))
        .map(([unit, count]) => {
          const bytes = new Uint8Array(unit.length * count)
          for (let at = 0; at < bytes.length; at += unit.length) bytes.set(unit, at)
          return bytes
        }),
    )
    fc.assert(
      fc.property(content, (bytes) => {
        const packed = compress(bytes)
        expect(packed[0]! % 16).toBe(8)
        expect((packed[0]! * 256 + packed[1]!) % 31).toBe(0)
        expect(isContent(decompress(packed, bytes.length), bytes)).toBe(true)
      }),
    )
    expect(compress(new Uint8Array(100_000)).length).toBeLessThan(300)
  })

  test('TB15: data longer than one step comes back', () => {
    let seed = 1
    const noise = Uint8Array.from({ length: 50_000 }, () => (seed = (seed * 48271) % 0x7fffffff) & 0xff)
    const packed = compress(noise)
    expect(packed.length).toBeGreaterThan(45_000)
    expect(isContent(decompress(packed, noise.length), noise)).toBe(true)
  })

  test('TB15: a cut is refused, a changed byte never gives other content, and any bytes end without a throw', () => {
    const content = bytesOf('the quick brown fox jumps over the lazy dog, the quick brown fox'.repeat(4))
    const packed = compress(content)
    for (let length = 0; length < packed.length; length++) {
      expect([length, decompress(packed.subarray(0, length), 10_000).ok]).toEqual([length, false])
    }
    for (let at = 0; at < packed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = packed.slice()
        damaged[at]! ^= 1 << bit
        const decoded = decompress(damaged, 10_000)
        // The level in the header and the padding after the last block say nothing about the content.
        if (decoded.ok) expect(decoded.value).toEqual(content)
        else expect(decoded.reason).toMatch(/^zlib: /)
      }
    }
    // A header and the checksum of nothing, with no block between them.
    expect(decompress(fromHex('789c00000001'), 10_000).ok).toBe(false)
    const longer = new Uint8Array(packed.length + 1)
    longer.set(packed)
    expect(decompress(longer, 10_000).ok).toBe(false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const framed = new Uint8Array(bytes.length + 2)
        framed.set([0x78, 0x9c])
        framed.set(bytes, 2)
        expect(typeof decompress(bytes, 1000).ok).toBe('boolean')
        expect(typeof decompress(framed, 1000).ok).toBe('boolean')
      }),
      { numRuns: 1000 },
    )
  })

  test('TB15: a bomb is refused after the steps that fill the limit, with the rest unread', () => {
    class Counted extends Uint8Array {
      readUpTo = 0
      override subarray(start?: number, end?: number): Uint8Array<ArrayBuffer> {
        this.readUpTo = Math.max(this.readUpTo, Math.min(end ?? this.length, this.length))
        return new Uint8Array(
          this.buffer as ArrayBuffer,
          start,
          Math.min(end ?? this.length, this.length) - (start ?? 0),
        )
      }
    }
    const size = 12_000_000
    const bomb = new Counted(compress(new Uint8Array(size)))
    expect(bomb.length).toBeLessThan(size / 1000)
    expect(decompress(bomb, 100_000)).toEqual({ ok: false, reason: 'zlib: more than 100000 bytes come out' })
    expect(bomb.readUpTo).toBeLessThanOrEqual(4096)
    const whole = decompress(bomb, size)
    expect(whole.ok && whole.value.length).toBe(size)
    expect(bomb.readUpTo).toBe(bomb.length)
  })
})
