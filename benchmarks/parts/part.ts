/**
 * A part of the benchmark: measured in a process of its own, printed by the one that started it.
 *
 * Invariant: results are plain data, so that they travel between processes and into files.
 */
export interface Part<Result> {
  readonly name: string
  measure(isQuick: boolean): Promise<Result>
  /** As markdown, under a heading of its own. */
  render(result: Result): string
}
