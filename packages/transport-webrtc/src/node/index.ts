/** Entry `@baton/transport-webrtc/node`: the same functions in Node, with WebRTC and a WebSocket brought along. */
import { NetworkError, type Network } from '@baton/core'
import { connectTransport as connectAnywhere, type ConnectOptions } from '../connect.ts'
import { joinRoom as joinAnywhere, type JoinOptions } from '../join.ts'
import type { WebSocketFactory, WebSocketLike } from '../lobby-client.ts'
import type { WebRtcImplementation } from '../peer-connection.ts'
import type { WebRtcTransport } from '../webrtc-transport.ts'
import { loadWrtc, type WrtcName } from './load-wrtc.ts'

export { loadWrtc } from './load-wrtc.ts'
export type { WrtcName } from './load-wrtc.ts'
export type { ConnectOptions, JoinStage } from '../connect.ts'
export type { JoinOptions } from '../join.ts'
export type { WebRtcImplementation } from '../peer-connection.ts'
export type { WebSocketFactory, WebSocketLike } from '../lobby-client.ts'
export type { WebRtcTransport, WebRtcTransportCounters } from '../webrtc-transport.ts'

/** Four times what a lobby has to say; a dishonest one must not fill the memory. */
const MAX_LOBBY_FRAME_BYTES = 65_536

/** In Node WebRTC can be chosen by name. Default: node-datachannel, else @roamhq/wrtc. */
export type InNode<Options> = Omit<Options, 'wrtc'> & { readonly wrtc?: WrtcName | WebRtcImplementation | undefined }

/**
 * Joins a room from Node.
 * @throws NetworkError as in a browser; `peer/unsupported` names the package that is missing
 * @see joinRoom of `@baton/transport-webrtc`
 */
export async function joinRoom(options: InNode<JoinOptions>): Promise<Network> {
  return joinAnywhere({ ...options, ...(await bring(options)) })
}

/**
 * Joins a room from Node and returns its transport.
 * @see connectTransport of `@baton/transport-webrtc`
 */
export async function connectTransport(options: InNode<ConnectOptions>): Promise<WebRtcTransport> {
  return connectAnywhere({ ...options, ...(await bring(options)) })
}

async function bring(
  options: InNode<ConnectOptions>,
): Promise<{ wrtc: WebRtcImplementation; webSocket: WebSocketFactory }> {
  const wrtc = typeof options.wrtc === 'object' ? options.wrtc : await loadWrtc(options.wrtc)
  return { wrtc, webSocket: options.webSocket ?? (await loadWebSocket()) }
}

/** The package `ws` where it is installed: it is there in every Node; the platform's own comes with Node 22. */
async function loadWebSocket(): Promise<WebSocketFactory> {
  if (typeof globalThis.WebSocket === 'function')
    return (url, protocol) => new globalThis.WebSocket(url, protocol) as unknown as WebSocketLike
  try {
    const { WebSocket } = await import('ws')
    return (url, protocol) =>
      new WebSocket(url, protocol, {
        perMessageDeflate: false,
        maxPayload: MAX_LOBBY_FRAME_BYTES,
      }) as unknown as WebSocketLike
  } catch (cause) {
    const message = 'joinRoom: this Node has no WebSocket of its own; run: npm install ws, or use Node 22'
    throw new NetworkError('peer/unsupported', message, { cause })
  }
}
