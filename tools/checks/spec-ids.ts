/**
 * Every rule of the two standards has a test that names it, and every test that names a rule names a real one.
 *
 * A rule is defined by its bold id (`**DL3**`) in docs/wire-format.md or docs/behavior.md; a test proves it by a title
 * that starts with the id (`DL3: …`, `DL3, DL4: …`, `DL3 DL4: …`). Invariant: ids are read from the syntax tree, so a comment or a
 * variable that looks like one proves nothing.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { isTest, listFiles } from '../workspace.ts'
import type { CheckResult } from './result.ts'

export const SPECS = ['docs/wire-format.md', 'docs/behavior.md']

const ID = '[A-Z]{1,4}\\d{1,3}[a-z]?'
const DEFINITION = new RegExp(`\\*\\*(${ID})\\*\\*`, 'g')
const PREFIX = new RegExp(`^(${ID}(?:(?:, | and |/| )${ID})*):\\s`)

/** The ids defined in one document, in order; text in code blocks does not count. */
export function definedIds(markdown: string): string[] {
  const prose = markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, '')
  return [...prose.matchAll(DEFINITION)].map((match) => match[1] as string)
}

/** The ids that titles of one test file start with. Suites that are tables of `{ title }` count as well. */
export function titledIds(path: string, source: string): string[] {
  const ids: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) {
      const prefix = PREFIX.exec(node.text)?.[1]
      if (prefix !== undefined) ids.push(...prefix.split(/, | and |\/| /))
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.ES2022, false, ts.ScriptKind.TS))
  return ids
}

/** Test files, and the suites that tests of several packages share. */
function testFiles(root: string): string[] {
  const files = ['schemas', 'packages', 'examples', 'benchmarks', 'simulation'].flatMap((folder) =>
    listFiles(root, folder, ['.ts']),
  )
  return files.filter((path) => isTest(path) || /\/testing\//.test(path))
}

export function checkSpecIds(root: string): CheckResult {
  const errors: string[] = []
  const defined = new Map<string, string>()
  for (const spec of SPECS) {
    if (!existsSync(join(root, spec))) {
      errors.push(`${spec}: missing; the rules that tests name are defined there`)
      continue
    }
    const ids = definedIds(readFileSync(join(root, spec), 'utf8'))
    if (ids.length === 0) errors.push(`${spec}: defines no rule; write each as "- **ID** sentence"`)
    for (const id of ids) {
      const other = defined.get(id)
      if (other !== undefined) errors.push(`${id}: defined twice, in ${other} and ${spec}`)
      defined.set(id, spec)
    }
  }
  const proven = new Map<string, string>()
  const files = testFiles(root)
  for (const path of files) {
    for (const id of titledIds(path, readFileSync(join(root, path), 'utf8'))) {
      proven.set(id, path)
      if (!defined.has(id)) errors.push(`${path}: a title names ${id}, which neither document defines`)
    }
  }
  for (const [id, spec] of defined) {
    if (!proven.has(id)) errors.push(`${spec}: ${id} has no test whose title starts with it`)
  }
  return { errors: [...new Set(errors)], warnings: [], note: `${defined.size} rules, ${files.length} test files` }
}
