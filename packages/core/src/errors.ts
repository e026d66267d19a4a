/**
 * Errors and their codes. Every code has a row in docs/errors.md.
 *
 * Invariant: bytes from the wire never throw; a `NetworkError` reports the world (a room is full, a
 * path failed), an `InvariantError` reports a mistake in the calling code.
 */

export type ErrorCode =
  | 'lobby/unreachable'
  | 'lobby/closed'
  | 'lobby/room-name'
  | 'lobby/room-full'
  | 'lobby/replaced'
  | 'lobby/bad-message'
  | 'lobby/limit'
  | 'lobby/timeout'
  | 'peer/ice-failed'
  | 'peer/timeout'
  | 'peer/protocol-breach'
  | 'peer/slow'
  | 'peer/channel-mismatch'
  | 'peer/unsupported'
  | 'protocol/version-mismatch'
  | 'protocol/hash-mismatch'
  | 'network/closed'
  | 'network/join-timeout'
  | 'network/quorum-lost'
  | 'replication/bad-value'
  | 'replication/host-state-too-large'

/** Something outside the program went wrong. Shown to players or retried, never a bug by itself. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The calling code broke a rule of the API. Thrown at once, at the place of the mistake. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * Throws when the caller broke a rule.
 * @param message place, what happened with its values, what to do
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
