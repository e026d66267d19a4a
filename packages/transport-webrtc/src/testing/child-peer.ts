/**
 * A peer in a process of its own, which a test may kill. Prints one JSON line per thing that happens.
 *
 * Arguments: the lobby's address, the WebRTC implementation, and `stay` or `leave` (closes when it has
 * a peer). Invariant: it says nothing else, and ends by itself once it has closed.
 */
import { joinRoom, type WrtcName } from '../node/index.ts'

const [lobby, wrtc, plan] = process.argv.slice(2)
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`)

const network = await joinRoom({ lobby: lobby!, room: 'test', wrtc: wrtc as WrtcName, iceServers: [] })
say({ joined: network.local.id, isHost: network.isHost })
const frame = (): void => {
  const nowMs = performance.now()
  network.receive(nowMs)
  network.flush(nowMs)
}
const timer = setInterval(frame, 10)
network.on('closed', () => clearInterval(timer))
network.on('peerentered', (peer) => {
  say({ entered: peer.id })
  if (plan === 'leave') setTimeout(() => network.close(), 50)
})
for (const peer of network.peers) say({ entered: peer.id })
if (plan === 'leave' && network.peers.length > 0) setTimeout(() => network.close(), 50)
