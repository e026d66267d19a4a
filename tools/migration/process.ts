/**
 * A player as a process, which a test may stop, kill and cut off. It is asked through the channel of its parent.
 *
 * Invariant: it ends when it is told to or with whoever started it, and never by itself.
 */
import { joinRoom } from '@baton/transport-webrtc/node'
import type { Account } from './account.ts'
import { startPlayer } from './player.ts'
import { createRelay, type Relay, type RelayOptions } from './udp-relay.ts'

export interface ProcessOptions {
  readonly lobby: string
  readonly room: string
  readonly name: string
  /** Silence after which a link is let go for good. Default: the library's. */
  readonly peerTimeoutMs?: number
  /** Through a relay that loses and delays; without, the links are the machine's own. */
  readonly relay?: Omit<RelayOptions, 'random'> & { readonly seed: number }
}

/** `account` is answered with an `Account`, everything else with null when it is done. */
export type Command =
  | { readonly do: 'account' | 'play' | 'rest' }
  | { readonly do: 'hand over'; readonly to: string }
  /** Addresses of others, see `Relay`. */
  | { readonly do: 'cut'; readonly from: readonly string[] }

export interface Question {
  readonly number: number
  readonly command: Command
}

/** `number` 0: it has joined. */
export interface Answer {
  readonly number: number
  readonly account?: Account
  readonly fault?: string
}

const options = JSON.parse(process.argv[2]!) as ProcessOptions
process.on('disconnect', () => process.exit(1))

let relay: Relay | undefined
if (options.relay !== undefined) {
  let state = options.relay.seed
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  relay = await createRelay({ ...options.relay, random })
}
const { lobby, room, name, peerTimeoutMs } = options
const network = await joinRoom({ lobby, room, displayName: name, iceServers: [], wrtc: relay?.wrtc, peerTimeoutMs })
const player = startPlayer(network, name)

function carryOut(command: Command): void {
  if (command.do === 'play') player.play()
  else if (command.do === 'rest') player.rest()
  else if (command.do === 'hand over') player.handOver(command.to)
  else if (command.do === 'cut') relay!.cut(command.from)
}

process.on('message', ({ number, command }: Question) => {
  let answer: Answer
  try {
    carryOut(command)
    answer = { number, ...(command.do === 'account' && { account: player.account() }) }
  } catch (error) {
    answer = { number, fault: String(error) }
  }
  process.send!(answer)
})
process.send!({ number: 0 } satisfies Answer)
