/** Entry `@baton/core/host`: the witness, for whoever runs a lobby. Games need nothing of it. */
export {
  createWitness,
  DEFAULT_LEASE_MS,
  departWitness,
  forkWitness,
  KEPT_REQUEST_MS,
  MAX_LEASE_MS,
  MAX_TERM_LEAP,
  stepWitness,
  tickWitness,
  witnessDueMs,
} from './witness.ts'
export type { WitnessEffect, WitnessHolder, WitnessOptions, WitnessRequest, WitnessState } from './witness.ts'
