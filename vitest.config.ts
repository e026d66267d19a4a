import { defineConfig } from 'vitest/config'
export default defineConfig({
  test: {
    // Native WebRTC modules crash in worker threads.
    pool: 'forks',
    include: ['schemas/**/*.test.ts', 'packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'examples/*/**/*.test.ts', 'tools/**/*.test.ts'],
    exclude: ['**/*.browser.test.ts', '**/node_modules/**', '**/dist/**'],
  },
})
