/**
 * The test projects. `pnpm check` runs `unit`; `pnpm test` runs them all, one after another.
 *
 *   unit         beside the sources: no browser, no real WebRTC, no processes
 *   integration  tools, compilers, processes, whole plazas: what is slower than a minute's check allows
 *   simulation   several peers in virtual time over a bad network
 *   node-webrtc  *.webrtc.test.ts: real data channels in Node
 *   browser      *.browser.test.ts: inside Chromium
 *   e2e          examples: whole pages driven from Node
 *   migration    *.migration.test.ts: hosts that are closed, killed, stopped and cut off, in pages and in processes
 *
 * Invariant: every pool is forks; native WebRTC modules crash in worker threads.
 */
import { playwright } from '@vitest/browser-playwright'
import type { TestProjectInlineConfiguration } from 'vitest/config'
import { defineConfig } from 'vitest/config'
import { resolveChromium } from './tools/chromium.ts'
import { standardDecorators } from './tools/standard-decorators.ts'

const OUTSIDE = ['**/node_modules/**', '**/dist/**']
const SPECIAL = ['**/*.webrtc.test.ts', '**/*.browser.test.ts', '**/*.e2e.test.ts', '**/*.migration.test.ts']

/** Tests that start processes, compile, or play whole games: `pnpm test` runs them, `pnpm check` does not. */
const INTEGRATION = [
  'tools/**/*.test.ts',
  'benchmarks/**/*.test.ts',
  'examples/*/**/*.test.ts',
  'schemas/test/**/*.test.ts',
  'packages/*/test/**/*.test.ts',
  'packages/server/src/{cli,vite,lobby-server}.test.ts',
]

function mayRun(project: string): boolean {
  const named = process.argv.flatMap((value, index, all) =>
    value === '--project' ? [all[index + 1]] : value.startsWith('--project=') ? [value.slice(10)] : [],
  )
  return named.length === 0 || named.includes(project)
}

/** Finding the browser may unpack it, so it is looked for only when its tests may run. */
async function browserProject(): Promise<TestProjectInlineConfiguration[]> {
  if (!mayRun('browser')) return []
  const launchOptions = await resolveChromium()
  return [
    {
      plugins: [standardDecorators()],
      test: {
        name: 'browser',
        globalSetup: ['packages/transport-webrtc/src/testing/lobby-setup.ts'],
        include: ['packages/*/{src,test}/**/*.browser.test.ts', 'examples/*/**/*.browser.test.ts'],
        exclude: OUTSIDE,
        testTimeout: 30_000,
        hookTimeout: 30_000,
        fileParallelism: false,
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          provider: playwright({ launchOptions }),
          instances: [{ browser: 'chromium' }],
        },
      },
    },
  ]
}

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        plugins: [standardDecorators()],
        test: {
          name: 'unit',
          pool: 'forks',
          include: ['schemas/**/*.test.ts', 'packages/*/src/**/*.test.ts'],
          exclude: [...OUTSIDE, ...SPECIAL, ...INTEGRATION],
          // A busy machine is slow, not wrong: the limit is there for tests that hang.
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        plugins: [standardDecorators()],
        test: {
          name: 'integration',
          pool: 'forks',
          include: INTEGRATION,
          exclude: [...OUTSIDE, ...SPECIAL, 'packages/*/test/simulation/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [standardDecorators()],
        test: {
          name: 'simulation',
          pool: 'forks',
          include: ['packages/*/test/simulation/**/*.test.ts', 'simulation/**/*.test.ts'],
          exclude: OUTSIDE,
          testTimeout: 120_000,
        },
      },
      {
        plugins: [standardDecorators()],
        test: {
          name: 'node-webrtc',
          pool: 'forks',
          // For tests that drive whole pages from Node; they ask for `inject('chromium')`.
          ...(mayRun('node-webrtc') && { provide: { chromium: await resolveChromium() } }),
          include: [
            'packages/*/{src,test}/**/*.webrtc.test.ts',
            'examples/*/**/*.webrtc.test.ts',
            'tools/**/*.webrtc.test.ts',
          ],
          exclude: OUTSIDE,
          // Many connects at once fail in native code, so files take turns.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 30_000,
        },
      },
      ...(await browserProject()),
      {
        plugins: [standardDecorators()],
        test: {
          name: 'e2e',
          pool: 'forks',
          include: ['examples/*/e2e/**/*.e2e.test.ts'],
          exclude: OUTSIDE,
          ...(mayRun('e2e') && { provide: { chromium: await resolveChromium() } }),
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [standardDecorators()],
        test: {
          name: 'migration',
          pool: 'forks',
          include: ['tools/**/*.migration.test.ts'],
          exclude: OUTSIDE,
          ...(mayRun('migration') && { provide: { chromium: await resolveChromium() } }),
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
