/**
 * The choices a prefab makes for its entities. Data only: `authority/` and `lifecycle/` act on them.
 */

/** When its owner goes: to the host, gone with it, or kept still for `HOLD_SECONDS` and then to the host. */
export type DepartPolicy = 'transfer' | 'despawn' | 'hold'

/** Who may claim or touch it: anyone, or nobody but its owner (an avatar). The owner may always transfer it. */
export type ClaimPolicy = 'anyone' | 'nobody'

/** Seconds an entity with policy `hold` waits for its owner. */
export const HOLD_SECONDS = 30
