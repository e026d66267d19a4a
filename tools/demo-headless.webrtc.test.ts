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

test('a host and guests as processes end with the same world, each with its line of figures', async () => {
  let pids: readonly number[] = []
  const passed = await runHeadless({ guests: 2, seconds: 2, crates: 40, onPlay: (all) => (pids = all) })
  expect(printed.filter((line) => line.startsWith('FAILED'))).toEqual([])
  expect(passed).toBe(true)
  const lines = printed
    .filter((line) => /^\| (host|guest \d)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  expect(lines.map((cells) => cells.slice(1, 3))).toEqual([
    ['host', '43'],
    ['guest 1', '43'],
    ['guest 2', '43'],
  ])
  expect(new Set(lines.map((cells) => cells.at(-2))).size).toBe(1)
  expect(pids.filter(isAlive)).toEqual([])
})

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
