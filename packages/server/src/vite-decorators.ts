/**
 * Lowers standard decorators, which Vite 8 leaves in its output although no engine knows them.
 *
 * Place in the house: a Vite plugin of its own; needs esbuild, and only when a file holds a decorator.
 * Invariant: a file without one is never touched, and what Vite itself compiles rightly is left to it.
 */
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as Esbuild from 'esbuild'
import { parseSync, transformWithOxc, Visitor } from 'vite'
import type { Plugin, ResolvedConfig } from 'vite'

/** A cheap first look; strings and comments may pass it, the parser decides. */
const AT_SIGN = /@[\w$(]/
const SCRIPT = /\.[cm]?[jt]sx?(?:$|\?)/

/** What the file's tsconfig makes of classes. */
interface Project {
  readonly experimentalDecorators: boolean
  readonly emitDecoratorMetadata: boolean
  readonly useDefineForClassFields: boolean
}

/** Add it to `plugins` in a Vite or Vitest config; `baton()` already holds it. */
export function standardDecorators(): Plugin {
  let config: ResolvedConfig | undefined
  return {
    name: 'baton:standard-decorators',
    // Before Vite's own compiler: with class fields of the old kind it drops their decorators in silence.
    enforce: 'pre',
    configResolved(resolved) {
      config = resolved
    },
    transform: {
      filter: { id: SCRIPT, code: AT_SIGN },
      async handler(code, id) {
        const file = id.replace(/\?.*$/, '')
        if (isDependency(file)) return undefined
        const found = findDecorators(file, code)
        if (!found.any) return undefined
        const project = await inspectProject(file, config)
        // Vite lowers experimental ones itself, but loses those on static fields that are not defined but assigned.
        const lost = found.onStaticField && !project.useDefineForClassFields && !project.emitDecoratorMetadata
        if (project.experimentalDecorators && !lost) return undefined
        const { transform } = loadEsbuild(file)
        const result = await transform(code, esbuildOptions(file, id, project))
        return { code: result.code, map: result.map }
      },
    },
  }
}

/** Installed packages come compiled. Workspace packages do not, also where links are kept as they are. */
function isDependency(file: string): boolean {
  if (!file.includes('/node_modules/')) return false
  try {
    return realpathSync(file).replaceAll('\\', '/').includes('/node_modules/')
  } catch {
    return true // a virtual module: not a file of the project
  }
}

function findDecorators(file: string, code: string): { any: boolean; onStaticField: boolean } {
  const found = { any: false, onStaticField: false }
  const { program, errors } = parseSync(file, code)
  if (errors.length > 0) return found // Vite's own compiler says what is wrong, and where
  const visitor = new Visitor({
    Decorator() {
      found.any = true
    },
    PropertyDefinition(node) {
      if (node.static && node.decorators.length > 0) found.onStaticField = true
    },
  })
  visitor.visit(program)
  return found
}

/**
 * Compiles a few lines in the file's place and looks at what came out. So the answer is Vite's own,
 * with `extends`, references and include patterns, and there is no second reader of tsconfig files.
 */
async function inspectProject(file: string, config: ResolvedConfig | undefined): Promise<Project> {
  if (!/\.[cm]?tsx?$/.test(file)) {
    return { experimentalDecorators: false, emitDecoratorMetadata: false, useDefineForClassFields: true }
  }
  const probe = `@probe class Probe { field = 1; @probe method(value: Date) {} }\nnew Probe()`
  const { code } = await transformWithOxc(probe, file, { sourcemap: false }, undefined, config)
  return {
    experimentalDecorators: !code.includes('@probe'),
    emitDecoratorMetadata: code.includes('design:'),
    useDefineForClassFields: !code.includes('this.field'),
  }
}

function esbuildOptions(file: string, id: string, project: Project): Esbuild.TransformOptions & { sourcemap: true } {
  const { experimentalDecorators, useDefineForClassFields } = project
  const typed = /\.[cm]?tsx?$/.test(file)
  return {
    // Plain .js may hold JSX too; in .ts and .mts `<T>x` is a cast.
    loader: file.endsWith('x') || !typed ? (typed ? 'tsx' : 'jsx') : 'ts',
    jsx: 'preserve',
    target: 'es2022',
    supported: { decorators: false },
    sourcemap: true,
    sourcefile: id,
    // Which imports are only types is left to Vite, which sees the file next and knows what the project says of it.
    tsconfigRaw: { compilerOptions: { experimentalDecorators, useDefineForClassFields, verbatimModuleSyntax: true } },
  }
}

/**
 * `require`, because only files with decorators need esbuild, and because Vite's own loader for
 * TypeScript configurations (`--configLoader runner`) allows no `import()` after the start.
 */
function loadEsbuild(file: string): typeof Esbuild {
  try {
    return createRequire(import.meta.url)('esbuild') as typeof Esbuild
  } catch (cause) {
    throw new Error(
      `@baton/server/vite: ${file} has decorators, and esbuild, which lowers them, cannot be loaded; install esbuild as a dev dependency, or use defineReplicated()`,
      { cause },
    )
  }
}
