/**
 * Runs dependency-cruiser over a repository with the rules of `import-rule-set.ts`.
 *
 * Invariant: silence is never success. No module or no edge between packages means that the cruise did not see the
 * sources (a TypeScript it cannot drive, exports it cannot resolve), and that is reported as an error.
 */
import type { ICruiseResult } from 'dependency-cruiser'
import { cruise } from 'dependency-cruiser'
import { listFiles } from '../workspace.ts'
import { importRules } from './import-rule-set.ts'

export interface ImportReport {
  readonly moduleCount: number
  readonly edgeCount: number
  readonly errors: readonly string[]
}

const ROOTS = ['schemas', 'packages', 'examples', 'benchmarks', 'simulation', 'tools']

export async function checkImports(root: string): Promise<ImportReport> {
  const files = ROOTS.flatMap((folder) => listFiles(root, folder, ['.ts']))
  const reporter = await cruise(
    files,
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: importRules(root) },
      tsPreCompilationDeps: true,
      // No `exclude`: an excluded target takes the edge that leads to it along.
      doNotFollow: { path: ['node_modules', '(^|/)dist/'] },
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['import', 'types', 'node', 'default'],
        extensions: ['.ts', '.d.ts', '.js', '.mjs', '.cjs', '.json'],
        mainFields: ['module', 'main', 'types'],
      },
    },
    {},
  )
  const result = reporter.output as ICruiseResult
  const sources = result.modules.filter(
    (module) => module.source.endsWith('.ts') && !/node_modules/.test(module.source),
  )
  const edgeCount = sources.reduce((sum, module) => sum + module.dependencies.length, 0)
  const errors = result.summary.violations.map((violation) => {
    const path = violation.cycle ? violation.cycle.map((step) => step.name).join(' → ') : violation.to
    const comment = result.summary.ruleSetUsed?.forbidden?.find((rule) => rule.name === violation.rule.name)?.comment
    return `${violation.rule.name}: ${violation.from} → ${path}${comment === undefined ? '' : ` (${comment})`}`
  })
  if (sources.length === 0) errors.push('import rules: 0 modules cruised; the check saw nothing, so it proves nothing')
  else if (edgeCount === 0) errors.push(`import rules: ${sources.length} modules and no import between them; broken?`)
  return { moduleCount: sources.length, edgeCount, errors }
}
