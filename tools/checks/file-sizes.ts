/**
 * Files stay small and are named for what they hold.
 *
 * Invariant: tests and generated code are exempt from sizes, nothing is exempt from names.
 */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isGenerated, isTest, listFiles } from '../workspace.ts'
import type { CheckResult } from './result.ts'

export const HARD_LINES = 400
export const SOFT_LINES = 250

const ROOTS = ['schemas', 'packages', 'examples', 'benchmarks', 'simulation', 'tools']
const VAGUE = /(^|-)(utils?|helpers?|common|managers?|misc)(-|\.|$)/
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.[a-z]+$/

export function checkFileSizes(root: string): CheckResult {
  const files = ROOTS.flatMap((folder) => listFiles(root, folder, ['.ts', '.js', '.mjs', '.css']))
  const errors: string[] = []
  const warnings: string[] = []
  for (const path of files) {
    if (isGenerated(path)) continue
    const name = basename(path)
    if (!KEBAB.test(name)) errors.push(`${path}: the name is not kebab-case`)
    for (const part of path.split('/')) {
      if (VAGUE.test(part)) errors.push(`${path}: "${part}" says nothing; name it for what it holds`)
    }
    if (isTest(path)) continue
    const text = readFileSync(join(root, path), 'utf8')
    const lineCount = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    if (lineCount > HARD_LINES)
      errors.push(`${path}: ${lineCount} lines, at most ${HARD_LINES}; split it by what changes together`)
    else if (lineCount > SOFT_LINES) warnings.push(`${path}: ${lineCount} lines, better below ${SOFT_LINES}`)
  }
  if (files.length === 0) errors.push('file sizes: no source file found; the check looked in the wrong place')
  return { errors, warnings, note: `${files.length} files` }
}
