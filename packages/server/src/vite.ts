/**
 * Entry `@baton/server/vite`: the lobby inside Vite's own server, and decorators lowered.
 *
 * A default Vite app runs Baton without this plugin; with it, development is one process and one port,
 * and `@replicated()` classes work as standard decorators, which Vite 8 does not lower by itself.
 */
import type { Plugin } from 'vite'
import { lobbyPlugin } from './vite-lobby.ts'
import type { ViteLobbyOptions } from './vite-lobby.ts'
import { standardDecorators } from './vite-decorators.ts'

export { standardDecorators } from './vite-decorators.ts'
export type { ViteLobbyOptions } from './vite-lobby.ts'

export interface BatonPluginOptions {
  /** The lobby at `/baton-lobby` of the dev and preview servers. `false` for none. */
  readonly lobby?: ViteLobbyOptions | false
  /** Lower standard decorators. `false` when another plugin does it. */
  readonly decorators?: boolean
}

/**
 * `plugins: [baton()]` in `vite.config.ts`.
 *
 * Clients that name no lobby look for `/baton-lobby` on the page's own origin, so nothing else has
 * to be configured for `vite` and `vite preview`.
 */
export function baton(options: BatonPluginOptions = {}): Plugin[] {
  return [
    ...(options.decorators === false ? [] : [standardDecorators()]),
    ...(options.lobby === false ? [] : [lobbyPlugin(options.lobby)]),
  ]
}
