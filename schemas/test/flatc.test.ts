import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeMessage } from '../codec/decode.ts'
import { encodeMessage } from '../codec/encode.ts'
import { goldenBytes, keptGolden } from '../fixtures/golden.ts'
import { messageOf, type Plain } from './arbitraries.ts'
import { SUBJECTS } from './flatc-accessors.ts'
import { flatcJsonOf, TO_JSON } from './flatc-json.ts'
import { mutate, seededRandom } from './mutate.ts'

// Debian's compiler is the reader that shares nothing with us: not the language, not the version, not the author.
const MISSING = 'flatc is not installed, and these tests are what it says: apt-get install flatbuffers-compiler'

describe("Debian's flatc", () => {
  const folder = mkdtempSync(join(tmpdir(), 'flatc-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  beforeAll(() => {
    try {
      execFileSync('flatc', ['--version'])
    } catch {
      throw new Error(MISSING)
    }
  })

  const flatc = (...args: string[]) => execFileSync('flatc', args, { cwd: folder, stdio: 'pipe' })

  describe.each(SUBJECTS)('on $name', ({ name, layout }) => {
    const schema = join(import.meta.dirname, `../${name}.fbs`)
    const kept = Object.values(keptGolden(name))
    const golden = kept.map((one) => {
      const decoded = decodeMessage<Plain>(layout, goldenBytes(one))
      if (!decoded.ok) throw new Error(decoded.reason)
      return decoded.value
    })
    // It prints a double with six digits after the point, so numbers are drawn that need no more.
    const drawn = Object.values(layout.unions)
      .flat()
      .flatMap((type) => fc.sample(messageOf(layout, type), { numRuns: 20, seed: 1 }))
      .map((message) => roundDoubles(message) as Plain)
    const messages = [...golden, ...drawn]

    test('SC13: reads what we write to the same meaning', () => {
      mkdirSync(join(folder, name))
      const files = messages.map((message, i) => {
        writeFileSync(join(folder, name, `${i}.bin`), encodeMessage(layout, message))
        return `${name}/${i}.bin`
      })
      flatc(...TO_JSON, '-o', name, schema, '--', ...files)
      messages.forEach((message, i) => {
        const json: unknown = JSON.parse(readFileSync(join(folder, name, `${i}.json`), 'utf8'))
        expect(json).toEqual(flatcJsonOf(layout, message))
      })
    })

    test('SC13: reads damaged messages that we accept to the same meaning', () => {
      const random = seededRandom(4)
      const survivors: { bytes: Uint8Array; message: Plain }[] = []
      while (survivors.length < 300) {
        const bytes = mutate(goldenBytes(pick(kept, random)), random, goldenBytes(pick(kept, random)))
        const decoded = decodeMessage<Plain>(layout, bytes)
        if (!decoded.ok || !isDeepStrictEqual(decoded.value, roundDoubles(decoded.value))) continue
        survivors.push({ bytes, message: decoded.value })
      }
      const damaged = `${name}-damaged`
      mkdirSync(join(folder, damaged))
      const files = survivors.map(({ bytes }, i) => {
        writeFileSync(join(folder, damaged, `${i}.bin`), bytes)
        return `${damaged}/${i}.bin`
      })
      flatc(...TO_JSON, '-o', damaged, schema, '--', ...files)
      survivors.forEach(({ message }, i) => {
        const json: unknown = JSON.parse(readFileSync(join(folder, damaged, `${i}.json`), 'utf8'))
        // Damage can make a vector present and empty, where ours would have left it out.
        expect(withoutEmpty(json)).toEqual(withoutEmpty(flatcJsonOf(layout, message)))
      })
    })

    test('SC12: writes what we read to the same meaning', () => {
      const back = `${name}-back`
      mkdirSync(join(folder, back))
      const files = messages.map((message, i) => {
        writeFileSync(join(folder, back, `${i}.json`), JSON.stringify(flatcJsonOf(layout, message)))
        return `${back}/${i}.json`
      })
      flatc('--binary', '-o', back, schema, ...files)
      messages.forEach((message, i) => {
        const bytes = readFileSync(join(folder, back, `${i}.bin`))
        expect(decodeMessage(layout, bytes)).toEqual({ ok: true, value: message })
      })
    })
  })
})

function pick<T>(list: readonly T[], random: () => number): T {
  return list[random() % list.length]!
}

function mapDeep(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => mapDeep(element, change))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return change(value)
  const entries = Object.entries(value).map(([key, inner]) => [key, mapDeep(inner, change)] as const)
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined))
}

function roundDoubles(message: unknown): unknown {
  return mapDeep(message, (value) => {
    const exact = typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) < 2 ** 40)
    return exact ? value : Math.trunc((value % 2 ** 30) * 4) / 4 + 0
  })
}

function withoutEmpty(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutEmpty)
  if (typeof json !== 'object' || json === null) return json
  const entries = Object.entries(json).filter(([, value]) => !Array.isArray(value) || value.length > 0)
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutEmpty(value)]))
}
