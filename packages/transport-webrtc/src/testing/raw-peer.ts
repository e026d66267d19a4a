/**
 * A member of a room whose links this package does not guard: it can say what no peer of ours says.
 *
 * Invariant: it takes part in the lobby as anyone does; only what it sends to peers is its own.
 */
import { WebSocket } from 'ws'
import { FIXED_STREAMS } from '../channel-ids.ts'
import { encodeLinkFrame, LINK_VERSION } from '../link-frames.ts'
import { joinLobby, type LobbyClient, type WebSocketLike } from '../lobby-client.ts'
import { loadWrtc } from '../node/load-wrtc.ts'
import { PeerConnection } from '../peer-connection.ts'

export interface RawPeer {
  readonly lobby: LobbyClient
  readonly connection: PeerConnection
  /** By the number of the game's channel: 0, 1, 2. */
  readonly channels: ReadonlyMap<number, RTCDataChannel>
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>
  sendFrame(bytes: Uint8Array): void
  /** Opens a data channel that is not negotiated. */
  openInBand(label: string): RTCDataChannel
  /** What has come on a channel. */
  heard(channel: number): readonly unknown[]
  end(): void
}

/** @param hello frames sent as soon as the link channel is open; by default what a peer of ours says */
export async function joinRaw(
  url: string,
  target: string,
  hello: readonly Uint8Array<ArrayBuffer>[] = [encodeLinkFrame({ kind: 'hello', version: LINK_VERSION })],
): Promise<RawPeer> {
  let native: RTCPeerConnection | undefined
  const loaded = await loadWrtc('node-datachannel')
  const wrtc = {
    ...loaded,
    // Kept, to open what this package never opens.
    RTCPeerConnection: new Proxy(loaded.RTCPeerConnection, {
      construct(target, parameters: [RTCConfiguration?]) {
        native = new target(...parameters)
        return native
      },
    }),
  }
  const lobby = await joinLobby({
    url,
    room: 'test',
    displayName: undefined,
    identity: undefined,
    capacity: undefined,
    signal: undefined,
    webSocket: (address, protocol) => new WebSocket(address, protocol) as unknown as WebSocketLike,
  })
  let markUp = (): void => {}
  let markEnded = (): void => {}
  const up = new Promise<void>((resolve) => (markUp = resolve))
  const ended = new Promise<void>((resolve) => (markEnded = resolve))
  // Above what a newcomer's own attempts would use, so that it is the one heard.
  const attempt = 100
  const connection = new PeerConnection(
    { initiator: true, iceServers: [], wrtc },
    {
      signal: (signal) => {
        if (signal.kind === 'candidate') {
          const { candidate, sdpMid, sdpMLineIndex } = signal
          lobby.send({ type: 'Candidate', toId: target, attempt, candidate, sdpMid, sdpMLineIndex })
        } else lobby.send({ type: 'Offer', toId: target, attempt, sdp: signal.sdp })
      },
      up: () => markUp(),
      frame: () => {},
      breach: () => {},
      ended: () => markEnded(),
    },
  )
  const channels = new Map<number, RTCDataChannel>()
  const heard = new Map<number, unknown[]>()
  const opened: Promise<void>[] = [up]
  for (const { channel, id, reliable, label } of FIXED_STREAMS) {
    const raw = connection.createChannel(label, id, reliable)!
    channels.set(channel, raw)
    heard.set(channel, [])
    raw.onmessage = ({ data }) => heard.get(channel)!.push(data)
    opened.push(new Promise((resolve) => raw.addEventListener('open', () => resolve(), { once: true })))
  }
  lobby.attach({
    message: (body) => {
      if (body.type === 'Answer') connection.accept({ kind: 'answer', sdp: body.sdp })
      if (body.type === 'Candidate') {
        const { candidate, sdpMid, sdpMLineIndex } = body
        connection.accept({ kind: 'candidate', candidate, sdpMid, sdpMLineIndex })
      }
    },
    closed: () => {},
  })
  const failed = ended.then(() => {
    lobby.leave()
    throw new Error('the connection ended before it was up')
  })
  await Promise.race([Promise.all(opened), failed])
  failed.catch(() => {}) // it will end, later and on purpose
  for (const frame of hello) connection.sendFrame(frame)
  return {
    lobby,
    connection,
    channels,
    ended,
    openInBand: (label) => native!.createDataChannel(label),
    heard: (channel) => heard.get(channel) ?? [],
    sendFrame: (bytes) => connection.sendFrame(bytes.slice()),
    end: () => {
      connection.destroy()
      lobby.leave()
    },
  }
}
