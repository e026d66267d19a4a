/**
 * What a moment is, and how long members wait for one another, in milliseconds or leases.
 *
 * Invariant: whoever promises something keeps to it for longer than anybody counts on it, by any two clocks.
 */

/** Two clocks: one may stand still while the machine sleeps, the other may be set. */
export interface Moment {
  readonly monoMs: number
  readonly wallMs: number
}

/** A host speaks at least this often. */
export const BEAT_MS = 50
/** How long each next successor lets the one before it try that hears no host either. */
export const STAGGER_MS = 250
/** The same for one that was not heard to say so: it is gone as well, most likely. */
export const ABSENT_STAGGER_MS = 50
export const ATTEMPT_MS = 500
export const REPEAT_MS = 100
/** Between two attempts of a member, at least. */
export const RETRY_MS = 500
/** What somebody waits for while there is no host. */
export const URGENT_REPEAT_MS = 50
/** A host that says for so many leases that it has no quorum is waited for no longer. */
export const GIVEN_UP_LEASES = 2
/** After this silence the word of one member, whoever it is, on what the others do is enough: the voters may be gone. */
export const LONG_SILENCE_MS = 3_000
/** A host counts on its lease a little less long than its voters promise it: clocks differ by up to 1 %. */
export const LEASE_SHARE = 0.97
