/** Vitest's matchers: a package that lies beside vitest and is found when the tests are bundled. */
declare module 'planted-expect' {
  import type { ExpectStatic } from 'vitest'
  export const chai: { use(plugin: unknown): void; readonly expect: ExpectStatic }
  export const JestAsymmetricMatchers: unknown
  export const JestChaiExpect: unknown
}
