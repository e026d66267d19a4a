import type { Network } from '@baton/core'
import { createNetworkRig } from '@baton/core/testing'
import { describe, expect, it } from 'vitest'
import { followPage } from './page-life.ts'

/** A document that can be hidden and frozen. */
class Page extends EventTarget {
  visibilityState = 'visible'

  set(visibilityState: 'visible' | 'hidden'): void {
    this.visibilityState = visibilityState
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

/** Four players in a room; the first, its host, has a page. */
function open() {
  const rig = createNetworkRig({ seed: 22, conditions: { latencyMs: 10 } })
  const networks = rig.room(4) as [Network, Network, Network, Network]
  const document = new Page()
  const transport = { onpagehide: null as (() => void) | null }
  followPage(networks[0], transport, { document, now: () => rig.nowMs })
  rig.run(1_000)
  return { rig, networks, document, transport }
}

describe('page life', () => {
  it('WT22: a host whose page is out of sight hands the baton on; one that is back in time keeps it', () => {
    const { rig, networks, document } = open()
    document.set('hidden')
    rig.run(500)
    document.set('visible')
    rig.run(3_000)
    expect(networks.map(({ isHost }) => isHost)).toEqual([true, false, false, false])
    document.set('hidden')
    rig.runUntil(() => networks.slice(1).some(({ isHost }) => isHost))
    rig.run(1_000)
    expect(networks[0].isHost).toBe(false)
    expect(networks[0].isJoined).toBe(true)
  })

  it('WT22: a page that was out of sight when its network began is taken for hidden', () => {
    const rig = createNetworkRig({ seed: 22 })
    const networks = rig.room(3) as [Network, Network, Network]
    const document = new Page()
    document.visibilityState = 'hidden'
    followPage(networks[0], { onpagehide: null }, { document, now: () => rig.nowMs })
    rig.runUntil(() => networks.slice(1).some(({ isHost }) => isHost))
  })

  it('WT22: a page that is frozen counts as hidden, and what is queued leaves first', () => {
    const { rig, networks, document } = open()
    const heard: unknown[] = []
    networks[1].on('message', ({ data }) => heard.push(data))
    networks[0].broadcast('last')
    document.dispatchEvent(new Event('freeze'))
    // From here on the page does nothing, as if its machine had stopped.
    rig.networks.splice(rig.networks.indexOf(networks[0]), 1)
    rig.run(200)
    expect(heard).toEqual(['last'])
  })

  it('WT21: a page that is taken away closes its network, and the next host waits for no silence', () => {
    const { rig, networks, transport } = open()
    const reasons: string[] = []
    networks[2].on('hostchanged', (_, { reason }) => reasons.push(reason))
    transport.onpagehide!()
    expect(networks[0].state).toBe('closed')
    rig.runUntil(() => reasons.length > 0)
    expect(reasons).toEqual(['left'])
  })

  it('WT22: a network that is closed follows its page no longer; without a page there is nothing to follow', () => {
    const { networks, document } = open()
    networks[0].close()
    document.set('hidden')
    document.dispatchEvent(new Event('freeze'))
    followPage(networks[1], { onpagehide: null })
    expect(networks[1].isJoined).toBe(true)
  })
})
