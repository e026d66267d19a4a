/** The host's own state, over the whole stack: it outlives crashes and hand-overs. */
import { expect, test } from 'vitest'
import { createRoom } from '../rig.ts'

const FRAMES_OF_A_SAVE = 15

test.each([1, 2, 3])('HS5 HS6: whoever hosts next goes on from what the last host saved (seed %i)', (seed) => {
  const rig = createRoom(4, { seed, conditions: { latencyMs: 40, jitterMs: 10, loss: 0 } })
  const restored: { by: string; counter: number; wasActing: boolean }[] = []
  let counter = 0
  for (const peer of rig.peers) {
    peer.replication!.hostState({
      save: () => new TextEncoder().encode(String(counter)),
      restore: (bytes) => {
        const wasActing = peer.network.lower.isActing
        restored.push({
          by: peer.name,
          counter: Number(new TextDecoder().decode(bytes)),
          wasActing,
        })
      },
    })
  }
  const run = (frames: number): void => {
    for (let frame = 0; frame < frames; frame += 1) {
      counter += 1
      rig.run(1)
    }
  }
  const host = () => rig.living.find((peer) => peer.network.isHost)!
  for (let crashes = 1; crashes <= 2; crashes += 1) {
    run(60)
    const crashedAt = counter
    rig.crash(host())
    run(300)
    expect(restored).toHaveLength(crashes)
    expect(restored.at(-1)).toMatchObject({ by: host().name, wasActing: true })
    // A save's interval, and what was on its way.
    expect(restored.at(-1)!.counter).toBeGreaterThan(crashedAt - FRAMES_OF_A_SAVE - 6)
  }
  const last = host()
  const next = rig.living.find((peer) => peer !== last)!
  const handedAt = counter
  last.network.handOver(last.network.peers.find((peer) => peer.id === next.network.local.id)!)
  run(60)
  // Where nothing is lost, not a frame of it is.
  expect(restored.at(-1)).toMatchObject({ by: next.name, counter: handedAt + 1 })
})
