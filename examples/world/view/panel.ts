/** The small panel: what the network does, and sliders that make it worse. */
import { Pane } from 'tweakpane'
import type { QualityWish } from './quality.ts'

export interface Readings {
  readonly peers: number
  readonly rttMs: number
  readonly lossPercent: number
  readonly upKbps: number
  readonly downKbps: number
  readonly entities: number
  readonly delayMs: number
}

export interface Panel {
  /** Color crates by who simulates them. */
  readonly tint: boolean
  readonly quality: QualityWish
  /** What the sliders add to every packet, both ways; `loss` from 0 to 1. */
  readonly conditions: { latencyMs: number; jitterMs: number; loss: number }
  show(readings: Readings): void
}

/** Times a second the figures are redrawn: faster cannot be read. */
const REFRESH_HZ = 4

export function createPanel(container: HTMLElement, quality: QualityWish): Panel {
  const wants = { tint: false, quality }
  const conditions = { latencyMs: 0, jitterMs: 0, loss: 0 }
  const shown = { peers: '–', rtt: '–', loss: '–', traffic: '–', entities: '–', delay: '–' }
  const pane = new Pane({ container, title: 'Network', expanded: innerWidth > 700 })
  const rows: readonly (readonly [keyof typeof shown, string])[] = [
    ['peers', 'players'],
    ['rtt', 'round trip'],
    ['loss', 'loss'],
    ['traffic', 'up / down'],
    ['entities', 'entities'],
    ['delay', 'delay'],
  ]
  for (const [key, label] of rows) pane.addBinding(shown, key, { label, readonly: true, interval: 1000 / REFRESH_HZ })
  pane.addBinding(wants, 'tint', { label: 'authority' })
  pane.addBinding(wants, 'quality', { label: 'picture', options: { auto: 'auto', low: 'low', high: 'high' } })
  const worse = pane.addFolder({ title: 'Make the network worse', expanded: false })
  worse.addBinding(conditions, 'latencyMs', { label: 'latency ms', min: 0, max: 400, step: 5 })
  worse.addBinding(conditions, 'jitterMs', { label: 'jitter ms', min: 0, max: 150, step: 5 })
  worse.addBinding(conditions, 'loss', {
    label: 'loss',
    min: 0,
    max: 0.4,
    step: 0.01,
    format: (part) => `${Math.round(part * 100)} %`,
  })

  return {
    conditions,
    get tint() {
      return wants.tint
    },
    get quality() {
      return wants.quality
    },
    show(readings) {
      shown.peers = String(readings.peers)
      shown.rtt = `${readings.rttMs.toFixed(0)} ms`
      shown.loss = `${readings.lossPercent.toFixed(0)} %`
      shown.traffic = `${readings.upKbps.toFixed(0)} / ${readings.downKbps.toFixed(0)} kbit/s`
      shown.entities = String(readings.entities)
      shown.delay = `${readings.delayMs.toFixed(0)} ms`
    },
  }
}
