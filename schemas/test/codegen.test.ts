import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('SC18: generated code is what the schemas give', { timeout: 60_000 }, async () => {
  const root = join(import.meta.dirname, '../..')
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, join(root, 'tools/codegen.ts'), '--check'])
  expect(stdout).toContain('generated files are as the schemas give them')
})
