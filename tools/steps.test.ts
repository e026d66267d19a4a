import { describe, expect, it } from 'vitest'
import type { Step, StepResult } from './steps.ts'
import { asStep, command, runSteps } from './steps.ts'
import { countVitest } from './vitest-run.ts'

const fine: StepResult = { passed: 2, failed: 0, note: 'fine', output: 'quiet', shown: '' }
const bad: StepResult = { passed: 1, failed: 3, note: 'bad', output: 'the whole story' }

async function run(steps: readonly Step[], lanes = 2) {
  let text = ''
  const tally = await runSteps(steps, lanes, (part) => (text += part))
  return { tally, text }
}

describe('steps', () => {
  it('adds up what passed and failed, and shows the output of failures only', async () => {
    const { tally, text } = await run([
      { name: 'one', run: () => Promise.resolve(fine) },
      { name: 'two', run: () => Promise.resolve(bad) },
    ])
    expect(tally).toEqual({ passed: 3, failed: 3 })
    expect(text).toContain('the whole story')
    expect(text).not.toContain('quiet')
  })

  it('counts a step that throws as failed and goes on', async () => {
    const { tally, text } = await run([
      { name: 'one', run: () => Promise.reject(new Error('no such thing')) },
      { name: 'two', after: ['one'], run: () => Promise.resolve(fine) },
    ])
    expect(tally).toEqual({ passed: 2, failed: 1 })
    expect(text).toContain('no such thing')
  })

  it('keeps to its lanes and to what comes after what', async () => {
    let running = 0
    let most = 0
    const order: string[] = []
    const step = (name: string, after: string[] = []): Step => ({
      name,
      after,
      async run() {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        order.push(name)
        return fine
      },
    })
    await run([step('last', ['first']), step('a'), step('b'), step('c'), step('first')])
    expect(most).toBe(2)
    expect(order.indexOf('last')).toBeGreaterThan(order.indexOf('first'))
  })

  it('refuses steps that wait for each other', async () => {
    const none = () => Promise.resolve(fine)
    const loop = run([
      { name: 'a', after: ['b'], run: none },
      { name: 'b', after: ['a'], run: none },
    ])
    await expect(loop).rejects.toThrow('a, b wait for each other')
  })

  it('gathers both streams of a program and its exit code', async () => {
    const result = await command(process.execPath, ['-e', 'console.log(1);console.error(2);process.exit(3)'])
    expect(result.code).toBe(3)
    expect(result.output).toMatch(/1\n[^]*2\n/)
    expect((await asStep(Promise.resolve(result))).failed).toBe(1)
  })

  it('ends a program that runs too long, and reports one that does not exist', async () => {
    const endless = await command(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 300 })
    expect(endless.code).not.toBe(0)
    expect(endless.output).toContain('still running')
    expect((await command('no-such-program-here', [])).code).toBe(127)
  })
})

describe('vitest counts', () => {
  const report = (passed: number, failed: number, files: readonly (readonly [string, readonly string[]])[]) => ({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: files.map(([status, tests]) => ({
      status,
      assertionResults: tests.map((test) => ({ status: test })),
    })),
  })

  it('counts a file that cannot run as a failure', () => {
    const count = countVitest(
      report(1, 0, [
        ['passed', ['passed']],
        ['failed', []],
      ]),
      1,
    )
    expect(count).toMatchObject({ passed: 1, failed: 1 })
  })

  it('does not count a file again for its failed tests', () => {
    expect(countVitest(report(1, 1, [['failed', ['passed', 'failed']]]), 1)).toMatchObject({ passed: 1, failed: 1 })
  })

  it('takes no report, no test and an error outside of tests for failures', () => {
    expect(countVitest(undefined, 0).failed).toBe(1)
    expect(countVitest(report(0, 0, []), 0).failed).toBe(1)
    expect(countVitest(report(5, 0, [['passed', ['passed']]]), 1).failed).toBe(1)
    expect(countVitest(report(5, 0, [['passed', ['passed']]]), 0).failed).toBe(0)
  })
})
