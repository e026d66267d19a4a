/** What a check over the repository's files returns. Invariant: no error means it looked at something and liked it. */
export interface CheckResult {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  /** What was looked at: `214 files`. */
  readonly note: string
}
