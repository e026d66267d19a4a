/** `pnpm api`: rewrites the API reports from freshly compiled declarations. Commit what changed. */
import { script, tool } from './steps.ts'

const compiled = await tool('tsc', ['-b'])
if (compiled.code !== 0)
  process.stdout.write(`${compiled.output}\napi: the types do not compile; reports may be stale\n`)
const reports = await script('tools/checks/run.ts', ['api', '--update'])
process.stdout.write(reports.output)
process.exitCode = compiled.code === 0 ? reports.code : compiled.code
