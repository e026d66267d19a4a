/**
 * Tools for testing a networked game without a network: virtual time, bad links, chance by seed.
 * Nothing here needs a test runner; the suite for transports is `@baton/core/testing/transport-contract`.
 */
export { SeededRandom } from './seeded-random.ts'
export { VirtualTime } from './virtual-time.ts'
export { createConditions, type BurstLoss, type LinkConditions } from './link-conditioner.ts'
export type { CreateMemoryLobby, MemoryLobby, MemoryLobbyDoor } from './memory-lobby.ts'
export { createMemoryNetwork, MemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts'
export { conditionTransport } from './condition-transport.ts'
export { createNetworkRig, NetworkRig, type NetworkRigOptions } from './network-rig.ts'
