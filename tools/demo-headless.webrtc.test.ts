import { afterEach, beforeEach, expect, test, vi, type MockInstance } from 'vitest'
import { runHeadless } from './demo-headless.ts'

let printed: string[]
let spies: MockInstance[]
beforeEach(() => {
  printed = []
  const keep = (line: unknown): void => void printed.push(String(line))
  spies = [vi.spyOn(console, 'log').mockImplementation(keep), vi.spyOn(console, 'error').mockImplementation(keep)]
})
afterEach(() => spies.forEach((spy) => spy.mockRestore()))

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Rows of the printed tables, cells by their heads, under the line they stand below. */
function tables(): Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> {
  const found: Record<string, Record<string, string>[]> = {}
  let title = ''
  let heads: readonly string[] = []
  for (const line of printed.flatMap((one) => one.split('\n'))) {
    if (!line.startsWith('|')) {
      title = line
      heads = []
    } else if (!line.startsWith('|-')) {
      const cells = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
      if (heads.length === 0) heads = cells
      else (found[title] ??= []).push(Object.fromEntries(heads.map((head, i) => [head, cells[i]!])))
    }
  }
  return found
}

test('a host and guests as processes hold the same world, through two hand-overs and a host that is killed', async () => {
  let pids: readonly number[] = []
  const passed = await runHeadless({ guests: 2, seconds: 3, crates: 40, onPlay: (all) => (pids = all) })
  expect(printed.filter((line) => line.startsWith('FAILED'))).toEqual([])
  expect(passed).toBe(true)
  const [played, handed, back, crash] = Object.entries(tables())
  expect(played![1].map(({ peer, entities }) => [peer, entities])).toEqual([
    ['host', '43'],
    ['guest 1', '43'],
    ['guest 2', '43'],
  ])
  expect(new Set(played![1].map(({ world }) => world)).size).toBe(1)
  for (const [title, rows] of [handed!, back!]) {
    expect(title).toContain('hands the baton on to')
    // Who it is in the end is a matter of the machine: on a busy one a new host may lose the baton at once.
    expect(new Set(rows.map(({ host }) => host)).size).toBe(1)
    expect(rows.map(({ lost, doubled }) => [lost, doubled])).toEqual(rows.map(() => ['0', '0']))
  }
  const [title, rows] = crash!
  expect(title).toMatch(/is killed \(SIGKILL\)$/)
  expect(rows.map(({ entities, lost, doubled }) => [entities, lost, doubled])).toEqual([
    ['42 → 42', '0', '0'],
    ['42 → 42', '0', '0'],
  ])
  for (const row of rows) expect(row['gap ms']).toMatch(/^\d+$/)
  expect(new Set(rows.map(({ world }) => world)).size).toBe(1)
  expect(printed.at(-1)).toBe('nothing was lost, nothing doubled')
  expect(pids.filter(isAlive)).toEqual([])
}, 120_000)

test.each([
  ['the host', 0],
  ['a guest', 1],
])('ends at once and fails when %s dies, and leaves no player behind', async (_who, index) => {
  let pids: readonly number[] = []
  const passed = await runHeadless({
    guests: 1,
    seconds: 3_600,
    crates: 10,
    onPlay(all) {
      pids = all
      process.kill(all[index]!, 'SIGKILL')
    },
  })
  expect(passed).toBe(false)
  expect(printed.at(-1)).toContain('ended with SIGKILL')
  await vi.waitUntil(() => !pids.some(isAlive), { timeout: 20_000 })
})
