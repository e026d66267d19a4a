/**
 * From a room's name to a network that a game can hold: the one function most games call.
 *
 * Invariant: the promise settles once; when it rejects, nothing of the attempt is left behind.
 */
import { createNetwork, NetworkError, type Network, type NetworkOptions, type Transport } from '@baton/core'
import { connectTransport, type ConnectOptions, type JoinStage } from './connect.ts'
import { followPage } from './page-life.ts'
import type { WebRtcTransport } from './webrtc-transport.ts'

/** How often the network is pumped until it is in; then the game's frames take over. */
const PUMP_INTERVAL_MS = 10

/** What `joinRoom` takes: a room to connect to, and how to play in it. */
export interface JoinOptions extends ConnectOptions {
  /** Ticks per second of the shared timeline. The host's counts. Default 60. */
  readonly tickRateHz?: number | undefined
  /** From the lobby's yes to being in. Default: core's. */
  readonly joinTimeoutMs?: number | undefined
  /** Silence of a peer after which it counts as gone. Default: core's. */
  readonly peerTimeoutMs?: number | undefined
  /** Whether this player may become host. Default true. */
  readonly canHost?: boolean | undefined
  /** Whoever founds the room decides: silence after which a host is replaced, 100 to 10,000 ms. Default 600. */
  readonly leaseMs?: number | undefined
  /**
   * What becomes of players that lost most of the others for good: `fork`, the default, goes on without them;
   * `wait` waits.
   */
  readonly quorumLoss?: 'fork' | 'wait' | undefined
  /**
   * Wraps the transport, such as with `conditionTransport` of `@baton/core/testing` for a panel that
   * adds latency and loss.
   */
  readonly condition?: ((transport: Transport) => Transport) | undefined
}

/**
 * Joins a room: meets the others in the lobby, links to each of them, and is let in by the host, or
 * hosts when the room was empty.
 *
 * Until it resolves the network is pumped here; from then on the game calls `receive` and `flush`. In a browser
 * it follows its page: a host that is hidden hands the baton on, and a page that is closed leaves the room.
 *
 * @returns a network in state `joined`
 * @throws NetworkError whatever `connectTransport` throws; `network/join-timeout`; `protocol/...` or another
 *   code the host refused with; `lobby/replaced`
 * @throws the signal's reason when aborted
 * @see docs/errors.md
 */
export async function joinRoom(options: JoinOptions): Promise<Network> {
  const transport = await connectTransport(options)
  let network: Network
  try {
    network = createNetwork(networkOptions(options, options.condition?.(transport) ?? transport))
  } catch (error) {
    transport.close() // an option that cannot be: the room must not keep a member that is not there
    throw error
  }
  followPage(network, transport)
  network.on('error', (error) => {
    // Another tab plays on as this player, or the page was left and came back. A game has nothing to decide here.
    if (error.code === 'lobby/replaced' || error.code === 'network/closed') network.close()
  })
  await enter(network, transport, options.signal, options.onProgress)
  return network
}

function networkOptions(options: JoinOptions, transport: Transport): NetworkOptions {
  const { displayName, capacity, tickRateHz, joinTimeoutMs, peerTimeoutMs } = options
  const { canHost, leaseMs, quorumLoss } = options
  return {
    transport,
    // Goes on while the machine sleeps, which the monotonic clock may not.
    wallClock: () => Date.now(),
    random: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
    ...(displayName !== undefined && { displayName }),
    ...(capacity !== undefined && { capacity }),
    ...(tickRateHz !== undefined && { tickRateHz }),
    ...(joinTimeoutMs !== undefined && { joinTimeoutMs }),
    ...(peerTimeoutMs !== undefined && { peerTimeoutMs }),
    ...(canHost !== undefined && { canHost }),
    ...(leaseMs !== undefined && { leaseMs }),
    ...(quorumLoss !== undefined && { quorumLoss }),
  }
}

/** Pumps the network until it is in, or has ended. */
function enter(
  network: Network,
  transport: WebRtcTransport,
  signal: AbortSignal | undefined,
  onProgress: ((stage: JoinStage) => void) | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let stage: JoinStage | undefined
    let lastError: NetworkError | undefined
    const report = (next: JoinStage): void => {
      if (stage === next) return
      stage = next
      onProgress?.(next)
    }
    const onError = (error: NetworkError): void => {
      lastError = error
    }
    const settle = (): void => {
      clearInterval(timer)
      network.off('error', onError)
      signal?.removeEventListener('abort', abort)
    }
    const fail = (error: unknown): void => {
      settle()
      network.close()
      reject(error as Error)
    }
    const abort = (): void => fail(signal!.reason)
    const pump = (): void => {
      try {
        const nowMs = performance.now()
        network.receive(nowMs)
        network.flush(nowMs)
      } catch (error) {
        return fail(error)
      }
      if (network.state === 'closed') {
        return fail(lastError ?? new NetworkError('network/closed', 'joinRoom: the network was closed while joining'))
      }
      report(transport.isAlone || transport.linkCount > 0 ? 'entering' : 'connecting-to-peers')
      if (network.isJoined) {
        settle()
        resolve()
      }
    }
    network.on('error', onError)
    const timer = setInterval(pump, PUMP_INTERVAL_MS)
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort, { once: true })
    pump()
  })
}
