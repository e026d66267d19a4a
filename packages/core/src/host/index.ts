/** Entry `@baton/core/host`: the witness, for whoever runs a lobby. Games need nothing of it. */
export * from './witness.ts'
