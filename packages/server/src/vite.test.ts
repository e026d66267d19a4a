import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { build, createLogger, createServer, preview } from 'vite'
import type { InlineConfig, Logger } from 'vite'
import { WebSocket } from 'ws'
import { baton, standardDecorators } from './vite.ts'

// Generous, since a busy machine is no failure: nothing here waits for a time to pass.
vi.setConfig({ testTimeout: 30_000 })

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** A project in a folder of its own, so that no configuration of this repository reaches it. */
async function createProject(files: Record<string, string>): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'baton-vite-')))
  ending.push(() => rm(root, { recursive: true, force: true }))
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

function config(root: string, more: InlineConfig = {}): InlineConfig {
  return { root, configFile: false, logLevel: 'silent', clearScreen: false, ...more }
}

/** Builds `main.ts` for Node and runs it in a process of its own; answers what it prints. */
async function buildAndRun(
  root: string,
  more: InlineConfig,
  entry = 'main.ts',
): Promise<{ code: string; printed: unknown }> {
  await build(config(root, { ...more, build: { ssr: entry, outDir: 'out', minify: false } }))
  const [name] = await readdir(join(root, 'out'))
  const file = join(root, 'out', name!)
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => (printed += data.toString()))
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  await new Promise((resolve) => child.on('close', resolve))
  expect(stderr).toBe('')
  return { code: await readFile(file, 'utf8'), printed: JSON.parse(printed) }
}

/** What the dev server serves for a file. */
async function devTransform(root: string, more: InlineConfig, url: string): Promise<string> {
  const server = await createServer(config(root, { server: { middlewareMode: true, ws: false, watch: null }, ...more }))
  ending.push(() => server.close())
  return (await server.transformRequest(url))?.code ?? ''
}

const RAW_DECORATOR = /^\s*@\w|[\s;{]@(?:replicated|field|seen|logged)\b/m

/** The shape of a component: a class decorator, and decorated static fields with initial values. */
const STANDARD = `
  const fields: string[] = []
  function replicated(name: string) {
    return (value: Function, context: ClassDecoratorContext) => { fields.push(name + ':' + context.kind) }
  }
  function field(range: number) {
    return (_: undefined, context: ClassFieldDecoratorContext) => {
      fields.push(String(context.name) + ':' + range + ':' + context.static)
      return (initial: number[]) => [...initial, range]
    }
  }
  function logged(value: any, context: DecoratorContext) { fields.push(context.kind) }
  @replicated('Transform')
  export class Transform {
    @field(512) static translation: number[] = [1, 2, 3]
    @field(1) static rotation = [0]
    @logged accessor level = 7
    @logged go() { return this.level }
  }
  console.log(JSON.stringify({ fields, translation: Transform.translation, rotation: Transform.rotation, level: new Transform().go() }))
`
const STANDARD_PRINTS = {
  fields: ['translation:512:true', 'rotation:1:true', 'accessor', 'method', 'Transform:class'],
  translation: [1, 2, 3, 512],
  rotation: [0, 1],
  level: 7,
}

const EXPERIMENTAL = `
  const fields: string[] = []
  function replicated(name: string) { return (target: any) => { fields.push(name + ':' + typeof target) } }
  function field(range: number) { return (target: any, key: string) => { fields.push(key + ':' + range + ':' + typeof target) } }
  @replicated('Health')
  export class Health {
    @field(8) static points = [100]
    @field(3) shield = 1
  }
  console.log(JSON.stringify({ fields: fields.sort(), points: Health.points, shield: new Health().shield }))
`
const EXPERIMENTAL_PRINTS = {
  fields: ['Health:function', 'points:8:function', 'shield:3:object'],
  points: [100],
  shield: 1,
}

describe('standard decorators', () => {
  // Each is a tsconfig people have; without a target Vite assigns fields instead of defining them.
  const projects = [
    {},
    { target: 'es2020' },
    { target: 'es2022' },
    { target: 'esnext', verbatimModuleSyntax: true },
    { target: 'es2022', useDefineForClassFields: false },
  ]

  test.each(projects)(
    'VP1: a decorated class runs after vite build, and none is left raw: %j',
    async (compilerOptions) => {
      const root = await createProject({ 'main.ts': STANDARD, 'tsconfig.json': JSON.stringify({ compilerOptions }) })
      const { code, printed } = await buildAndRun(root, { plugins: [baton()] })
      expect(code).not.toMatch(RAW_DECORATOR)
      // Class decorators come last; the standard calls static elements before instance ones.
      expect({ ...(printed as object), fields: [...(printed as typeof STANDARD_PRINTS).fields].sort() }).toEqual({
        ...STANDARD_PRINTS,
        fields: [...STANDARD_PRINTS.fields].sort(),
      })
      const dev = await devTransform(root, { plugins: [baton()] }, '/main.ts')
      expect(dev).toContain('translation')
      expect(dev).not.toMatch(RAW_DECORATOR)
    },
  )

  test('VP1: without the plugin Vite leaves them raw or drops them: the day this fails, the plugin can go', async () => {
    const raw = await createProject({ 'main.ts': STANDARD, 'tsconfig.json': '{"compilerOptions":{"target":"es2022"}}' })
    expect(await devTransform(raw, {}, '/main.ts')).toMatch(RAW_DECORATOR)
    const dropped = await createProject({ 'main.ts': STANDARD, 'tsconfig.json': '{}' })
    expect(await devTransform(dropped, {}, '/main.ts')).not.toContain('field(512)')
  })

  test('VP2: projects with experimentalDecorators keep their meaning, also for static fields that are assigned', async () => {
    for (const compilerOptions of [
      { experimentalDecorators: true, target: 'es2022' },
      { experimentalDecorators: true, target: 'es2020' },
      { experimentalDecorators: true, useDefineForClassFields: false },
    ]) {
      const root = await createProject({
        'main.ts': EXPERIMENTAL,
        'tsconfig.json': JSON.stringify({ compilerOptions }),
      })
      expect((await buildAndRun(root, { plugins: [baton()] })).printed).toEqual(EXPERIMENTAL_PRINTS)
    }
  })

  test('VP2: tsconfig is read as Vite reads it: through extends and references', async () => {
    const root = await createProject({
      'src/main.ts': EXPERIMENTAL,
      'tsconfig.json': '{"files":[],"references":[{"path":"./tsconfig.app.json"}]}',
      'tsconfig.base.json': '{"compilerOptions":{"experimentalDecorators":true,"target":"es2022"}}',
      'tsconfig.app.json': '{"extends":"./tsconfig.base.json","compilerOptions":{"composite":true},"include":["src"]}',
    })
    expect((await buildAndRun(root, { plugins: [baton()] }, 'src/main.ts')).printed).toEqual(EXPERIMENTAL_PRINTS)
  })

  test('VP3: a file without a decorator is not touched, whatever its strings and comments say', async () => {
    const root = await createProject({
      'main.ts': `/** @param x, see @replicated */\nconst mail = 'a@b.c'\nexport const text: string = \`@field(\${mail})\` // @logged\n`,
      'broken.ts': `@field class {`,
    })
    const plugin = standardDecorators()
    const seen: string[] = []
    const spy = { name: 'spy', enforce: 'pre' as const, transform: (code: string) => void seen.push(code) }
    await devTransform(root, { plugins: [plugin, spy] }, '/main.ts')
    expect(seen.some((code) => code.includes('export const text: string'))).toBe(true)
    // Vite's own compiler says what is wrong with a broken file.
    await expect(devTransform(root, { plugins: [baton()] }, '/broken.ts')).rejects.toThrow(
      /broken\.ts|Unexpected|Expected/,
    )
  })

  test('VP3: JSX is left to Vite, imports that are only types disappear, and packages are not touched', async () => {
    const root = await createProject({
      'main.tsx': `import { seen } from './seen'\nimport { Shape } from './shape'\n@seen class View { render(shape: Shape) { return <b title="x">{shape.size}</b> } }\nconsole.log(new View())\n`,
      'seen.ts': `export function seen(value: unknown, context: ClassDecoratorContext) {}`,
      'shape.ts': `export interface Shape { size: number }`,
      'node_modules/dep/package.json': '{"name":"dep","type":"module","exports":"./index.ts"}',
      'node_modules/dep/index.ts': `function seen(value: unknown, context: unknown) {}\nexport @seen class Dep {}`,
      'tsconfig.json': '{"compilerOptions":{"target":"es2022","jsx":"react-jsx","jsxImportSource":"vue"}}',
    })
    const dev = await devTransform(
      root,
      {
        plugins: [
          standardDecorators(),
          {
            name: 'jsx',
            resolveId: (id) => (id.startsWith('vue/') ? `\0${id}` : undefined),
            load: (id) => (id.startsWith('\0vue/') ? 'export const jsxDEV = () => {}' : undefined),
          },
        ],
      },
      '/main.tsx',
    )
    expect(dev).not.toMatch(RAW_DECORATOR)
    expect(dev).toMatch(/jsx(?:DEV)?\(/)
    expect(dev).not.toContain('shape.ts')
    expect(await devTransform(root, { plugins: [standardDecorators()] }, '/node_modules/dep/index.ts')).toMatch(/@seen/)
  })

  test('VP3: an import that is used for types alone stays where the project wants it to', async () => {
    const files = {
      'main.ts': `import { Shape } from './shape'\nfunction seen(value: unknown, context: ClassDecoratorContext) {}\n@seen class View { draw(shape: Shape) {} }\n`,
      'shape.ts': `export class Shape {}`,
    }
    for (const verbatimModuleSyntax of [true, false]) {
      const tsconfig = JSON.stringify({ compilerOptions: { target: 'es2022', verbatimModuleSyntax } })
      const dev = await devTransform(
        await createProject({ ...files, 'tsconfig.json': tsconfig }),
        { plugins: [baton()] },
        '/main.ts',
      )
      expect(dev.includes('shape.ts')).toBe(verbatimModuleSyntax)
    }
  })

  test('VP3: a workspace package is compiled like the app, also behind a link that is kept', async () => {
    const root = await createProject({
      'app/main.ts': `import { Transform } from 'components'\nexport default Transform\n`,
      'components/package.json': '{"name":"components","type":"module","exports":"./index.ts"}',
      'components/index.ts': STANDARD,
      'tsconfig.json': '{"compilerOptions":{"target":"es2022"}}',
    })
    await mkdir(join(root, 'app/node_modules'), { recursive: true })
    await symlink(join(root, 'components'), join(root, 'app/node_modules/components'), 'dir')
    for (const preserveSymlinks of [false, true]) {
      const more: InlineConfig = { plugins: [baton()], resolve: { preserveSymlinks }, ssr: { noExternal: true } }
      const { code, printed } = await buildAndRun(join(root, 'app'), more)
      expect(code).not.toMatch(RAW_DECORATOR)
      expect(printed).toMatchObject({ translation: STANDARD_PRINTS.translation })
    }
  })
})

describe('the lobby inside Vite', () => {
  function hear(url: string, protocols: string[] = []): Promise<Record<string, unknown>> {
    const socket = new WebSocket(url, protocols)
    ending.push(() => socket.terminate())
    return new Promise((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString()) as Record<string, unknown>))
      socket.once('error', reject)
      socket.once('unexpected-response', (_request, response) => reject(new Error(String(response.statusCode))))
    })
  }

  function collect(): { logger: Logger; lines: string[] } {
    const lines: string[] = []
    const logger = createLogger('info')
    logger.info = (line) => void lines.push(line)
    logger.warn = (line) => void lines.push(line)
    return { logger, lines }
  }

  test("VP4: vite dev serves the lobby on its own port beside the page and Vite's own socket", async () => {
    const root = await createProject({ 'index.html': '<script type="module" src="/main.js"></script>', 'main.js': '' })
    const { logger, lines } = collect()
    const server = await createServer(
      config(root, { customLogger: logger, plugins: [baton()], server: { port: 0, host: '127.0.0.1' } }),
    )
    ending.push(() => server.close())
    await server.listen()
    server.printUrls()
    const { port } = server.httpServer!.address() as AddressInfo
    expect(lines.at(-1)).toContain(`port ${port}, path /baton-lobby`)
    const origin = `ws://127.0.0.1:${port}`
    expect(await hear(`${origin}/baton-lobby?room=plaza`)).toMatchObject({ kind: 'self-connected', room: 'plaza' })
    expect(await hear(`${origin}/?token=${server.config.webSocketToken}`, ['vite-hmr'])).toEqual({ type: 'connected' })
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('/main.js')
    const foreign = new WebSocket(`${origin}/baton-lobby`, { origin: 'https://evil.example' })
    ending.push(() => foreign.terminate())
    expect(
      await new Promise((resolve) =>
        foreign.once('unexpected-response', (_, response) => resolve(response.statusCode)),
      ),
    ).toBe(403)
    foreign.on('error', () => {})
    // All tabs of a developer are one address: far more than a stranger's ten.
    for (let tab = 0; tab < 15; tab++)
      expect(await hear(`${origin}/baton-lobby?room=many`)).toMatchObject({ kind: 'self-connected' })
    await server.close()
    await expect(hear(`${origin}/baton-lobby`)).rejects.toThrow('ECONNREFUSED')
  })

  test('VP4: vite preview serves it too, under the path that was asked for', async () => {
    const root = await createProject({ 'dist/index.html': 'built' })
    const server = await preview(
      config(root, { plugins: [baton({ lobby: { path: '/rooms' } })], preview: { port: 0, host: '127.0.0.1' } }),
    )
    ending.push(() => server.close())
    const { port } = server.httpServer.address() as AddressInfo
    expect(await hear(`ws://127.0.0.1:${port}/rooms`)).toMatchObject({ kind: 'self-connected', room: 'lobby' })
  })

  test('VP4: in middleware mode, and when told not to, it stays out of the way', async () => {
    const root = await createProject({})
    const middleware = await createServer(
      config(root, { plugins: [baton()], server: { middlewareMode: true, ws: false } }),
    )
    ending.push(() => middleware.close())
    expect(baton({ lobby: false, decorators: false })).toEqual([])
    expect(baton({ lobby: false }).map(({ name }) => name)).toEqual(['baton:standard-decorators'])
  })
})

describe('simple-peer', () => {
  /** A default app with the package that our transport imports; nothing configured. */
  async function createApp(): Promise<string> {
    const root = await createProject({
      'index.html': '<script type="module" src="/main.js"></script>',
      'main.js': `import SimplePeer from 'simple-peer/simplepeer.min.js'\nglobalThis.found = [typeof SimplePeer, SimplePeer.WEBRTC_SUPPORT]\n`,
    })
    const transport = await realpath(join(import.meta.dirname, '../../transport-webrtc'))
    const simplePeer = dirname(createRequire(join(transport, 'package.json')).resolve('simple-peer/package.json'))
    await mkdir(join(root, 'node_modules/@baton'), { recursive: true })
    await symlink(simplePeer, join(root, 'node_modules/simple-peer'), 'dir')
    await symlink(transport, join(root, 'node_modules/@baton/transport-webrtc'), 'dir')
    return root
  }

  test('VP5: a default app builds it with no plugin, and it loads where there is no Node', async () => {
    const root = await createApp()
    await build(config(root, { build: { modulePreload: false } }))
    const [name] = await readdir(join(root, 'dist/assets'))
    const code = await readFile(join(root, 'dist/assets', name!), 'utf8')
    // A browser has none of process, global, Buffer, require.
    const page: Record<string, unknown> = { crypto, queueMicrotask, setTimeout, console }
    runInNewContext(code, page)
    expect(page['found']).toEqual(['function', false])
  })

  test('VP5: the plugin has it ready before the first page asks, and says nothing where it is not installed', async () => {
    const { logger, lines } = { logger: createLogger('info'), lines: [] as string[] }
    logger.info = logger.warn = logger.error = (line) => void lines.push(line)
    const names = async (root: string): Promise<string[]> => {
      const server = await createServer(
        config(root, { customLogger: logger, plugins: [baton()], server: { port: 0, host: '127.0.0.1' } }),
      )
      ending.push(() => server.close())
      await server.listen()
      const optimizer = server.environments.client.depsOptimizer!
      await optimizer.scanProcessing
      const { optimized, discovered } = optimizer.metadata
      return [...Object.keys(optimized), ...Object.keys(discovered)]
    }
    expect(await names(await createApp())).toContain('@baton/transport-webrtc > simple-peer/simplepeer.min.js')
    expect(await names(await createProject({ 'index.html': '' }))).toEqual([])
    expect(lines.filter((line) => /fail|warn|error/i.test(line))).toEqual([])
  })
})

test("VP6: Vite's own loader runs the plugin from its sources, with plain Node and nothing compiled", async () => {
  const root = await createProject({
    'main.ts': STANDARD,
    'vite.config.ts': `import { baton } from '@baton/server/vite'\nexport default { plugins: [baton()] }\n`,
    'tsconfig.json': '{"compilerOptions":{"target":"es2022"}}',
  })
  const server = await realpath(join(import.meta.dirname, '..'))
  await mkdir(join(root, 'node_modules/@baton'), { recursive: true })
  await symlink(server, join(root, 'node_modules/@baton/server'), 'dir')
  const vite = join(await realpath(join(server, 'node_modules/vite')), 'bin/vite.js')
  const flags = ['build', '--configLoader', 'runner', '--ssr', 'main.ts', '--outDir', 'out', '--minify', 'false']
  // Without what the test runner put there: its loaders would do the work that is to be proven.
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, [vite, ...flags], { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  const [name] = await readdir(join(root, 'out'))
  expect(await readFile(join(root, 'out', name!), 'utf8')).not.toMatch(RAW_DECORATOR)
})
