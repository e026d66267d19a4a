/** The page of a player: joins as its address says. It is asked through `window.player`. */
import { joinRoom } from '@baton/transport-webrtc'
import { startPlayer } from './player.ts'

const query = new URLSearchParams(location.search)
const name = query.get('name')!
const network = await joinRoom({
  lobby: query.get('lobby')!,
  room: query.get('room')!,
  displayName: name,
  iceServers: [],
})
Object.assign(globalThis, { player: startPlayer(network, name), network })
