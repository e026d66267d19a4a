/** Starts a lobby for tests that run inside a browser, where none can be started. They ask for `inject('lobbyUrl')`. */
import { createLobby } from '@baton/server'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    lobbyUrl: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const lobby = await createLobby({ limits: { socketsPerAddress: 100 } })
  project.provide('lobbyUrl', lobby.url)
  return () => lobby.close()
}
