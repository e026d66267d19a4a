/**
 * What the tests need from the machine beyond npm packages, and how it gets there.
 *
 * Invariant: a program that is missing and cannot be installed is an error with the line that would install it; no test
 * is left out because of it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findChromium, resolveChromium } from './chromium.ts'
import type { CommandResult, StepResult } from './steps.ts'
import { command } from './steps.ts'

export interface Requirement {
  /** The executable that is looked for in PATH. */
  readonly program: string
  /** Debian's package that has it. */
  readonly debian: string
  readonly why: string
}

export const REQUIREMENTS: readonly Requirement[] = [
  { program: 'flatc', debian: 'flatbuffers-compiler', why: "reads our control-plane bytes as FlatBuffers' own tool" },
  // Elsewhere there are no network namespaces; the test that wants them says so and does without.
  ...(process.platform === 'linux'
    ? [{ program: 'ip', debian: 'iproute2', why: 'cuts players apart in network namespaces' }]
    : []),
]

const CHROMIUM: Requirement = { program: 'chromium', debian: 'chromium', why: 'the browser that tests drive' }

/** What this module asks of the system, so that tests can answer for it. */
export interface System {
  has(program: string): boolean
  readonly isDebian: boolean
  readonly isRoot: boolean
  run(file: string, args: readonly string[]): Promise<CommandResult>
}

export function realSystem(): System {
  return {
    has: (program) =>
      (process.env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program))),
    isDebian:
      existsSync('/etc/os-release') && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8')),
    isRoot: process.getuid?.() === 0,
    run: (file, args) => command(file, args, { timeoutMs: 300_000, env: { DEBIAN_FRONTEND: 'noninteractive' } }),
  }
}

/**
 * Installs what is missing where that is possible without asking: as root on Debian.
 *
 * @returns nothing when all is there, else the line for the person at the machine and what was tried
 */
export async function installMissing(
  system: System,
  requirements: readonly Requirement[] = REQUIREMENTS,
): Promise<{ line: string; output: string } | undefined> {
  const missing = requirements.filter((requirement) => !system.has(requirement.program))
  if (missing.length === 0) return undefined
  const packages = missing.map((requirement) => requirement.debian)
  let output = ''
  if (system.isDebian && system.isRoot) {
    const updated = await system.run('apt-get', ['update', '-qq'])
    const installed = await system.run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages])
    output = updated.output + installed.output
  }
  const still = missing.filter((requirement) => !system.has(requirement.program))
  if (still.length === 0) return undefined
  const needs = still.map((requirement) => `${requirement.program} (${requirement.why})`).join(', ')
  const how = still.map((requirement) => requirement.debian).join(' ')
  return { line: `the tests need ${needs}: sudo apt-get install -y ${how}, or put it in PATH`, output }
}

/** The step that stands before all tests: programs, then a browser that starts. */
export async function prepareMachine(): Promise<StepResult> {
  const hasChromium = (await findChromium()) !== undefined
  const trouble = await installMissing(realSystem(), hasChromium ? REQUIREMENTS : [...REQUIREMENTS, CHROMIUM])
  if (trouble !== undefined) {
    return { passed: 0, failed: 1, note: trouble.line, output: trouble.output }
  }
  const { executablePath } = await resolveChromium()
  const started = await command(executablePath, ['--version'], { timeoutMs: 60_000 })
  const version = /(?:Chromium|Chrome)\D* (\d+[\d.]*)/.exec(started.output)?.[1]
  if (started.code !== 0 || version === undefined) {
    return { passed: 0, failed: 1, note: `${executablePath} does not start`, output: started.output }
  }
  return { passed: 1, failed: 0, note: `Chromium ${version}`, output: '' }
}
