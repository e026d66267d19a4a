/**
 * Lowers standard decorators in Vitest and Vite, which pass `@x` through to engines that do not know it.
 *
 * Invariant: only files that hold a decorator go through esbuild; everything else keeps Vite's own path.
 */
import { transform } from 'esbuild'
import type { Plugin } from 'vite'

// At a line's start or after an opening character, so that the tags of doc comments do not count.
const DECORATOR = /(?:^|[{;(,])[ \t]*@[\w$(]/m

export function standardDecorators(): Plugin {
  return {
    name: 'standard-decorators',
    enforce: 'pre',
    transform: {
      filter: { id: /\.[cm]?tsx?(?:$|\?)/, code: DECORATOR },
      async handler(code, id) {
        const result = await transform(code, {
          loader: /x(?:$|\?)/.test(id) ? 'tsx' : 'ts',
          target: 'es2022',
          sourcemap: true,
          sourcefile: id,
          supported: { decorators: false },
          tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
        })
        return { code: result.code, map: result.map }
      },
    },
  }
}
