/** Runs the host machine's tests with the planted bug that `BATON_PLANT` names. */
import { defineConfig } from 'vitest/config'
import { bugOf, filesOf, plantedText, ROOT } from './mutate.ts'

const name = process.env['BATON_PLANT']
const bug = name === undefined || name === '' ? undefined : bugOf(name)
const files = bug === undefined ? [] : filesOf(bug)

export default defineConfig({
  root: ROOT,
  plugins: [
    {
      name: 'planted-bug',
      enforce: 'pre',
      load(id) {
        return bug !== undefined && files.includes(id) ? plantedText(bug, id) : undefined
      },
    },
  ],
  test: {
    pool: 'forks',
    include: (process.env['BATON_PLANT_TESTS'] ?? '').split(','),
    testTimeout: 120_000,
  },
})
