/**
 * Stands in for vitest where a test file is bundled with a planted bug in it: one process, no server.
 *
 * Invariant: matchers are vitest's own, so that a test means the same here and there.
 */
import { chai, JestAsymmetricMatchers, JestChaiExpect } from 'planted-expect'

chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)

interface Case {
  readonly title: string
  readonly run: () => void | Promise<void>
}

const cases: Case[] = []

export const expect = chai.expect

export function describe(_title: string, fill: () => void): void {
  fill()
}

export function it(title: string, run: () => void | Promise<void>): void {
  cases.push({ title, run })
}

/** Runs what was collected. @returns what failed, with its first line */
export async function runCases(): Promise<{ title: string; message: string }[]> {
  const failed: { title: string; message: string }[] = []
  for (const { title, run } of cases) {
    try {
      await run()
    } catch (error) {
      failed.push({ title, message: error instanceof Error ? error.message : String(error) })
      if (process.env['BATON_PLANT_FIRST'] !== undefined) break
    }
  }
  return failed
}
