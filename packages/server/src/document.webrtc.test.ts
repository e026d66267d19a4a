/**
 * The lobby document's five steps with real peer connections: its own client code, line for line, with
 * the one thing it leaves out, candidates, passed on the same way.
 */
import wrtc from '@roamhq/wrtc'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createLobby } from './lobby-server.ts'

// Generous, since a busy machine is no failure: nothing here waits for a time to pass.
vi.setConfig({ testTimeout: 30_000 })

/** What the document's code touches of WebRTC; this package compiles without the browser's types. */
interface Description {
  type: 'offer' | 'answer'
  sdp: string
}
interface Candidate {
  toJSON(): object
}
interface Channel {
  onopen: () => void
  onmessage: (event: { data: unknown }) => void
  send(data: string): void
}
interface Connection {
  onicecandidate: (event: { candidate: Candidate | null }) => void
  ondatachannel: (event: { channel: Channel }) => void
  createDataChannel(label: string): Channel
  createOffer(): Promise<Description>
  createAnswer(): Promise<Description>
  setLocalDescription(description: Description): Promise<void>
  setRemoteDescription(description: Description): Promise<void>
  addIceCandidate(candidate: object): Promise<void>
  close(): void
}
const { RTCPeerConnection, RTCSessionDescription } = wrtc as unknown as {
  RTCPeerConnection: new (configuration: object) => Connection
  RTCSessionDescription: new (description: Description) => Description
}

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

interface Message {
  kind?: string
  id?: string
  toId?: string
  fromId?: string
  offer?: Description
  answer?: Description
  candidate?: object
}

/** A page of the document: a socket, a list of who is here, one connection. */
class Page {
  readonly ws: WebSocket
  readonly peerConnection = new RTCPeerConnection({ iceServers: [] })
  readonly lobby: string[] = []
  id = ''
  readonly heard: string[] = []
  onlobby: () => void = () => {}

  constructor(url: string) {
    this.ws = new WebSocket(url)
    ending.push(() => this.ws.terminate())
    ending.push(() => this.peerConnection.close())
    this.ws.onmessage = (event) => void this.#receive(JSON.parse(event.data as string) as Message)
    this.peerConnection.onicecandidate = ({ candidate }) => {
      if (candidate)
        this.ws.send(JSON.stringify({ toId: this.lobby[0], fromId: this.id, candidate: candidate.toJSON() }))
    }
    this.peerConnection.ondatachannel = ({ channel }) => this.#listen(channel)
  }

  /** Step 3: the "request" button. */
  async request(toId: string): Promise<Channel> {
    const channel = this.peerConnection.createDataChannel('data')
    this.#listen(channel)
    const offer = await this.peerConnection.createOffer()
    await this.peerConnection.setLocalDescription(new RTCSessionDescription(offer))
    this.ws.send(JSON.stringify({ toId, fromId: this.id, offer }))
    await new Promise((resolve) => (channel.onopen = () => resolve(undefined)))
    return channel
  }

  /** Resolves when the list of others has so many. */
  async sees(count: number): Promise<void> {
    while (this.lobby.length !== count) await new Promise<void>((resolve) => (this.onlobby = resolve))
  }

  async #receive(message: Message): Promise<void> {
    if (message.kind === 'self-connected') this.id = message.id!
    else if (message.kind === 'connected') this.lobby.push(message.id!)
    else if (message.kind === 'disconnected') this.lobby.splice(this.lobby.indexOf(message.id!), 1)
    else if (message.offer) {
      // Step 4.
      await this.peerConnection.setRemoteDescription(new RTCSessionDescription(message.offer))
      const answer = await this.peerConnection.createAnswer()
      await this.peerConnection.setLocalDescription(new RTCSessionDescription(answer))
      this.ws.send(JSON.stringify({ toId: message.fromId, fromId: this.id, answer }))
    } else if (message.answer) {
      // Step 5.
      await this.peerConnection.setRemoteDescription(new RTCSessionDescription(message.answer))
    } else if (message.candidate) {
      await this.peerConnection.addIceCandidate(message.candidate)
    }
    this.onlobby()
  }

  #listen(channel: Channel): void {
    channel.onmessage = ({ data }) => {
      this.heard.push(String(data))
      // Whoever was asked answers, so that both ways are seen to work.
      if (data === 'hello') channel.send('and hello to you')
      this.onlobby()
    }
  }
}

test("LB1 LB4 LB21: the document's pages find each other, connect, and go on talking when the lobby is gone", async () => {
  const lobby = await createLobby()
  ending.push(() => lobby.close())
  const a = new Page(lobby.url)
  await a.sees(0)
  const b = new Page(lobby.url)
  await Promise.all([a.sees(1), b.sees(1)])
  expect([a.lobby, b.lobby]).toEqual([[b.id], [a.id]])

  const channel = await a.request(b.id)
  await lobby.close()
  expect([a.ws.readyState, b.ws.readyState].every((state) => state >= WebSocket.CLOSING)).toBe(true)
  channel.send('hello')
  while (a.heard.length === 0) await new Promise<void>((resolve) => (a.onlobby = resolve))
  expect(b.heard).toEqual(['hello'])
  expect(a.heard).toEqual(['and hello to you'])
})
