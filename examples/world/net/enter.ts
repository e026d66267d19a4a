/**
 * The way into a plaza from a page: joins the room over WebRTC, starts the session, and says in words
 * what happens to the room meanwhile.
 */
import { NetworkError, type Network, type Peer } from '@baton/core'
import { conditionTransport, createConditions, SeededRandom } from '@baton/core/testing'
import type { Replication } from '@baton/replication'
import { joinRoom, type JoinStage } from '@baton/transport-webrtc'
import type { World } from 'bitecs'
import type { CratePlace } from '../sim/layout.ts'
import { tellOfChange } from './baton.ts'
import { startSession, type Session } from './session.ts'

export interface EnterOptions {
  readonly world: World
  readonly room: string
  /** Address of a lobby; left out, the one of the page's own server. */
  readonly lobby?: string | undefined
  readonly displayName: string
  /** What stands in the plaza if this player opens it. */
  readonly crates: readonly CratePlace[]
  /** For play-testing: read for every packet, so that sliders may write it at any time. */
  readonly conditions: { latencyMs: number; jitterMs: number; loss: number }
  /** Something to tell the player: for some seconds, or until the next. `fatal`: there is no game any more. */
  readonly onNotice: (text: string, kind: 'passing' | 'standing' | 'fatal') => void
  /** The baton has changed hands: from whom to whom, why, and how long nobody held it. */
  readonly onBaton: (text: string) => void
}

const STAGES: Readonly<Record<JoinStage, string>> = {
  'connecting-to-lobby': 'Looking for the lobby …',
  joining: 'Joining the room …',
  'connecting-to-peers': 'Linking to the other players …',
  entering: 'Entering …',
}

/** A page that has its first shaders compiled on a slow machine says nothing for seconds, and is not gone. */
const PEER_TIMEOUT_MS = 10_000

/** Resolves with a session whose world is there, or rejects with a `NetworkError`. */
export async function enterPlaza(options: EnterOptions): Promise<Session> {
  const { room, lobby, displayName, onNotice, onBaton } = options
  const conditions = Object.assign(options.conditions, createConditions(options.conditions))
  const network = await joinRoom({
    room,
    lobby,
    displayName,
    peerTimeoutMs: PEER_TIMEOUT_MS,
    onProgress: (stage) => onNotice(STAGES[stage], 'standing'),
    condition: (transport) => conditionTransport(transport, conditions, new SeededRandom(1)),
  })
  const session = startSession(options.world, network, displayName, options.crates)
  tellOfWorld(session.replication, onNotice)
  tellOfRoom(network, onNotice)
  tellOfBaton(network, onBaton)
  return session
}

/** How much of the world is here already. */
function tellOfWorld(replication: Replication, onNotice: EnterOptions['onNotice']): void {
  if (replication.synced) onNotice('', 'passing')
  replication.on('progress', ({ receivedBytes, totalBytes }) => {
    onNotice(`Receiving the plaza … ${Math.floor((100 * receivedBytes) / totalBytes)} %`, 'standing')
  })
  replication.on('synced', () => onNotice('', 'passing'))
}

/** Who comes and goes, and why it ended. */
function tellOfRoom(network: Network, onNotice: EnterOptions['onNotice']): void {
  const present = new Set(network.peers)
  let cause: NetworkError | undefined
  network.on('peerentered', (peer) => {
    if (!present.has(peer)) onNotice(`${peer.displayName} joined`, 'passing')
  })
  network.on('peerexited', (peer) => onNotice(`${peer.displayName} left`, 'passing'))
  network.on('error', (failure) => {
    cause = failure
    onNotice(explainFailure(failure), 'passing')
  })
  network.on('closed', () => onNotice(`You are out of the room. ${cause ? explainFailure(cause) : ''}`, 'fatal'))
}

function tellOfBaton(network: Network, onBaton: EnterOptions['onBaton']): void {
  // Whoever it was may be out of the room by the time its successor is known.
  const nameOf = (host: Peer | undefined): string => (host?.isLocal ? 'You' : (host?.displayName ?? 'The host'))
  let before = nameOf(network.host)
  network.on('hostchanged', (host, change) => {
    onBaton(tellOfChange(host, change, before))
    before = nameOf(host)
  })
}

/** A failure in words for a player, with the code that docs/errors.md explains. */
export function explainFailure(failure: unknown): string {
  if (!(failure instanceof NetworkError)) return failure instanceof Error ? failure.message : String(failure)
  if (failure.code === 'lobby/closed') return 'The lobby is gone. Play goes on, but nobody new can join.'
  return `${failure.message} (${failure.code})`
}

/** The name from the page's address, or one of chance. */
export function displayNameOf(given: string | null): string {
  const names = ['Otter', 'Heron', 'Lynx', 'Badger', 'Marten', 'Plover', 'Newt', 'Stork', 'Hare', 'Wren']
  const name = given?.trim().slice(0, 24)
  return name || `${names[Math.floor(Math.random() * names.length)]!} ${Math.floor(Math.random() * 90 + 10)}`
}
