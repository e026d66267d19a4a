/**
 * A vitest reporter that keeps a note of the test files that are running, so that a hang can be given a name.
 *
 * Invariant: the note is on disk at any time, because whoever reads it has just killed this process.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

export default class RunningReporter implements Reporter {
  readonly #running = new Set<string>()

  onTestModuleQueued(module: TestModule): void {
    this.#note((running) => running.add(module.relativeModuleId))
  }

  onTestModuleEnd(module: TestModule): void {
    this.#note((running) => running.delete(module.relativeModuleId))
  }

  #note(change: (running: Set<string>) => void): void {
    change(this.#running)
    const file = process.env['BATON_RUNNING_FILE']
    if (file !== undefined) writeFileSync(file, [...this.#running].join('\n'))
  }
}
