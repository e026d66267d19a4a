/**
 * Runs named steps, some at once, and prints one line for each.
 *
 * Invariant: what failed is shown whole, what passed is one line; a step that throws is a failed step, and every child
 * process ends with the tool that started it.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import picocolors from 'picocolors'
import { ROOT } from './workspace.ts'

export interface StepResult {
  /** Counted for the last line of `pnpm test`: tests of a runner, or 1 for a step that is one thing. */
  readonly passed: number
  readonly failed: number
  /** One short line for the reader: `35 modules`, `core 9.8 kB of 12`. */
  readonly note: string
  /** Shown in full when something failed, and in part (see `shown`) when not. */
  readonly output: string
  /** Worth showing even when all is well: warnings, tables. */
  readonly shown?: string
}

export interface Step {
  readonly name: string
  /** Names of steps that have to end before this one starts. */
  readonly after?: readonly string[]
  run(): Promise<StepResult>
}

export interface Tally {
  readonly passed: number
  readonly failed: number
}

export interface CommandResult {
  readonly code: number
  readonly output: string
}

export interface CommandOptions {
  readonly timeoutMs?: number
  readonly env?: Readonly<Record<string, string>>
}

const COLOR = process.stdout.isTTY && picocolors.isColorSupported
const pc = picocolors.createColors(COLOR)

const children = new Set<ChildProcess>()

/** This process's environment, with children told to color exactly when this process does. */
function environment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _force, NO_COLOR: _no, ...rest } = process.env
  return COLOR ? { ...rest, FORCE_COLOR: '1' } : { ...rest, NO_COLOR: '1' }
}

function endTree(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    // The group, because runners have workers and browsers of their own.
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of children) endTree(child)
    process.exit(signal === 'SIGINT' ? 130 : 143)
  })
}

/** Runs a program from the root and gathers stdout and stderr in the order they came. Never rejects. */
export function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const windows = process.platform === 'win32'
    const child = spawn(file, args, {
      cwd: ROOT,
      env: { ...environment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !windows,
      shell: windows,
    })
    children.add(child)
    const chunks: Buffer[] = []
    const timeoutMs = options.timeoutMs ?? 600_000
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`\n${file}: still running after ${timeoutMs / 1000} s; ended\n`))
      endTree(child)
    }, timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    const finish = (code: number): void => {
      clearTimeout(timer)
      children.delete(child)
      endTree(child)
      resolve({ code, output: Buffer.concat(chunks).toString() })
    }
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${file}: ${error.message}\n`))
      finish(127)
    })
    child.on('close', (code) => finish(code ?? 1))
  })
}

/** A program from node_modules/.bin. */
export function tool(name: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
  return command(`node_modules/.bin/${name}`, args, options)
}

/** A TypeScript file of this repository, run in Node. */
export function script(file: string, args: readonly string[] = [], options?: CommandOptions): Promise<CommandResult> {
  return command(process.execPath, ['--import', 'tsx', file, ...args], options)
}

/** A command as a step: one thing that passes or fails. */
export async function asStep(running: Promise<CommandResult>): Promise<StepResult> {
  const { code, output } = await running
  const lines = output.trim().split('\n')
  const note = code === 0 ? (lines.at(-1) ?? '').slice(0, 100) : `exit code ${code}`
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, note, output: lines.join('\n') }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(5)} s`
}

async function runOne(step: Step, write: (text: string) => void): Promise<StepResult> {
  const startMs = performance.now()
  let result: StepResult
  try {
    result = await step.run()
  } catch (error) {
    const output = error instanceof Error ? (error.stack ?? error.message) : String(error)
    result = { passed: 0, failed: 1, note: 'threw', output }
  }
  const mark = result.failed === 0 ? pc.green('✓') : pc.red('✗')
  const took = pc.dim(seconds(performance.now() - startMs))
  write(`${mark} ${step.name.padEnd(14)} ${took}  ${result.note}\n`)
  if (result.failed > 0 && result.output !== '') write(`${result.output}\n\n`)
  else if (result.shown !== undefined && result.shown !== '') write(`${result.shown}\n`)
  return result
}

/**
 * Runs the steps in their order, at most `lanes` at a time, each when those it comes `after` have ended.
 *
 * @param lanes 2 for the two cores of a small machine; heavy sections use 1
 */
export async function runSteps(
  steps: readonly Step[],
  lanes: number,
  write: (text: string) => void = (text) => void process.stdout.write(text),
): Promise<Tally> {
  const waiting = [...steps]
  const ended = new Set<string>()
  const known = new Set(steps.map((step) => step.name))
  const running = new Map<string, Promise<void>>()
  let passed = 0
  let failed = 0
  while (waiting.length > 0 || running.size > 0) {
    const index = waiting.findIndex((step) => (step.after ?? []).every((name) => ended.has(name) || !known.has(name)))
    if (running.size < lanes && index >= 0) {
      const step = waiting.splice(index, 1)[0] as Step
      running.set(
        step.name,
        runOne(step, write).then((result) => {
          passed += result.passed
          failed += result.failed
          ended.add(step.name)
          running.delete(step.name)
        }),
      )
    } else if (running.size > 0) await Promise.race(running.values())
    else throw new Error(`steps: ${waiting.map((step) => step.name).join(', ')} wait for each other`)
  }
  return { passed, failed }
}
