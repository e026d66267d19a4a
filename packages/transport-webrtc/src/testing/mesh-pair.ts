/**
 * Two meshes with real connections and a hand-held signal path between them, in place of a lobby.
 *
 * Invariant: time is the test's (`nowMs`), so that a time-out of seconds takes none.
 */
import type { LobbyBody } from '@baton/schemas/lobby'
import { Mesh, type MeshHandlers } from '../mesh.ts'
import { loadWrtc } from '../node/load-wrtc.ts'

export interface MeshEnd {
  readonly mesh: Mesh
  /** `connected`, `ended <how>`, `unreachable <how>`, or a message as text. */
  readonly log: string[]
  /** What it has sent by the lobby, whether or not it was passed on. */
  readonly signals: LobbyBody[]
}

export interface MeshPair {
  readonly a: MeshEnd
  readonly b: MeshEnd
  nowMs: number
  /** Which signals get through. */
  pass: (body: LobbyBody, from: 'a' | 'b') => boolean
  /** Takes the addresses out of descriptions, as if none had been found yet. */
  stripsCandidates: boolean
  until(what: string, holds: () => boolean): Promise<void>
  close(): void
}

export async function createMeshPair(): Promise<MeshPair> {
  const wrtc = await loadWrtc('node-datachannel')
  const ends: Partial<Record<'a' | 'b', MeshEnd>> = {}
  const pair: MeshPair = {
    nowMs: 0,
    pass: () => true,
    stripsCandidates: false,
    get a() {
      return ends.a!
    },
    get b() {
      return ends.b!
    },
    async until(what, holds) {
      for (let round = 0; round < 2_000; round++) {
        for (const end of [pair.a, pair.b]) end.mesh.tick(pair.nowMs)
        if (holds()) return
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      throw new Error(`waited in vain until ${what}; a: ${pair.a.log.join(', ')}; b: ${pair.b.log.join(', ')}`)
    },
    close() {
      for (const end of [pair.a, pair.b]) end.mesh.close()
    },
  }
  for (const [from, to] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const log: string[] = []
    const signals: LobbyBody[] = []
    const handlers: MeshHandlers = {
      signal(body) {
        signals.push(body)
        if (!pair.pass(body, from)) return
        const carried = { ...body, fromId: from } as LobbyBody
        if (pair.stripsCandidates && 'sdp' in carried) carried.sdp = carried.sdp.replace(/^a=candidate:.*\r?\n/gm, '')
        setImmediate(() => ends[to]!.mesh.hear(carried))
      },
      connected: () => log.push('connected'),
      message: (_peer, _channel, _reliable, data) => log.push(new TextDecoder().decode(data)) > 0,
      mismatch: () => log.push('mismatch'),
      ended: (_peer, end) => log.push(`ended ${end}`),
      unreachable: (_peer, end) => log.push(`unreachable ${end}`),
    }
    ends[from] = { mesh: new Mesh(from, { wrtc, iceServers: [] }, handlers, 0), log, signals }
  }
  return pair
}
