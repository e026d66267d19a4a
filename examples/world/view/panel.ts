/** The small panel: what the network does, and sliders that make it worse. */
import { Pane } from 'tweakpane'

export interface Readings {
  peers: number
  host: string
  rttMs: number
  lossPercent: number
  upKbps: number
  downKbps: number
  entities: number
  delayMs: number
}

/** What the player can change; read every frame. */
export interface Wants {
  tint: boolean
  latencyMs: number
  jitterMs: number
  lossPercent: number
}

export interface Panel {
  readonly wants: Wants
  show(readings: Readings): void
}

/** Times a second the figures are redrawn: faster cannot be read. */
const REFRESH_HZ = 4

export function createPanel(container: HTMLElement): Panel {
  const wants: Wants = { tint: false, latencyMs: 0, jitterMs: 0, lossPercent: 0 }
  const shown = { peers: '', host: '', rtt: '', loss: '', traffic: '', entities: '', delay: '' }
  const pane = new Pane({ container, title: 'Baton', expanded: innerWidth > 700 })
  const rows: readonly (readonly [keyof typeof shown, string])[] = [
    ['peers', 'peers'],
    ['host', 'host'],
    ['rtt', 'round trip'],
    ['loss', 'loss'],
    ['traffic', 'up / down'],
    ['entities', 'entities'],
    ['delay', 'shown behind'],
  ]
  for (const [key, label] of rows) pane.addBinding(shown, key, { label, readonly: true, interval: 1000 / REFRESH_HZ })
  pane.addBinding(wants, 'tint', { label: 'tint by authority' })
  const worse = pane.addFolder({ title: 'Make it worse', expanded: false })
  worse.addBinding(wants, 'latencyMs', { label: 'latency ms', min: 0, max: 400, step: 5 })
  worse.addBinding(wants, 'jitterMs', { label: 'jitter ms', min: 0, max: 150, step: 5 })
  worse.addBinding(wants, 'lossPercent', { label: 'loss %', min: 0, max: 40, step: 1 })

  return {
    wants,
    show(readings) {
      shown.peers = String(readings.peers)
      shown.host = readings.host
      shown.rtt = `${readings.rttMs.toFixed(0)} ms`
      shown.loss = `${readings.lossPercent.toFixed(1)} %`
      shown.traffic = `${readings.upKbps.toFixed(0)} / ${readings.downKbps.toFixed(0)} kbit/s`
      shown.entities = String(readings.entities)
      shown.delay = `${readings.delayMs.toFixed(0)} ms`
    },
  }
}
