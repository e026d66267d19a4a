/**
 * One player's place on the page: its name, how the room is for it, and its own picture of the game.
 *
 * Invariant: it draws what this player has; nothing is taken from another.
 */
import { query } from 'bitecs'
import type { Player } from '../net/player.ts'
import { BALL_RADIUS_M, HALF_HEIGHT_M, HALF_WIDTH_M, PUCK_RADIUS_M } from '../sim/arena.ts'

export interface Stand {
  show(player: Player, nowMs: number, color: (name: string) => string): void
}

const FATES = { playing: '', killed: 'killed', left: 'tab closed' } as const

/** @param root an empty element; filled here */
export function createStand(root: HTMLElement): Stand {
  const add = <K extends keyof HTMLElementTagNameMap>(tag: K, name: string): HTMLElementTagNameMap[K] => {
    const element = document.createElement(tag)
    element.className = name
    root.append(element)
    return element
  }
  const mark = add('i', 'mark')
  mark.setAttribute('aria-hidden', 'true')
  const title = add('h2', 'name')
  const state = add('strong', 'state')
  const canvas = add('canvas', 'picture')
  const about = add('p', 'about')
  const pen = canvas.getContext('2d')!

  function draw({ arena: { world, Body, Ball }, replication }: Player, color: (name: string) => string): void {
    const size = canvas.clientWidth * devicePixelRatio
    const scale = size / (2 * HALF_WIDTH_M)
    if (canvas.width !== Math.round(size)) {
      canvas.width = Math.round(size)
      canvas.height = Math.round(scale * 2 * HALF_HEIGHT_M)
    }
    pen.setTransform(scale, 0, 0, -scale, canvas.width / 2, canvas.height / 2)
    pen.clearRect(-HALF_WIDTH_M, -HALF_HEIGHT_M, 2 * HALF_WIDTH_M, 2 * HALF_HEIGHT_M)
    const balls = new Set(query(world, [Body, Ball]))
    for (const eid of query(world, [Body])) {
      const isBall = balls.has(eid)
      const x = Body.at.x[eid]!
      const y = Body.at.y[eid]!
      const by = replication.authorityOf(eid)
      pen.fillStyle = by ? color(by.displayName) : '#8791a5'
      pen.beginPath()
      pen.arc(x, y, isBall ? BALL_RADIUS_M : PUCK_RADIUS_M, 0, 2 * Math.PI)
      pen.fill()
      if (isBall) continue
      pen.strokeStyle = 'rgb(255 255 255 / 85%)'
      pen.lineWidth = 0.035
      pen.stroke()
    }
  }

  return {
    show(player, nowMs, color) {
      const { network, fate, replication } = player
      const isAsleep = nowMs < player.asleepUntilMs
      const now = FATES[fate] || (isAsleep ? 'asleep' : network.state)
      const isHost = fate === 'playing' && network.isHost
      write(title, player.name)
      write(state, now)
      root.dataset['state'] = now
      root.dataset['fate'] = fate
      root.classList.toggle('host', isHost)
      root.style.setProperty('--player', color(player.name))
      mark.title = isHost ? 'has the baton' : ''
      const role = isHost ? 'has the baton' : `follows ${network.host?.displayName ?? 'nobody'}`
      write(about, fate === 'playing' ? `term ${network.term} · ${replication.entityCount} bodies · ${role}` : 'gone')
      canvas.setAttribute('role', 'img')
      if (!canvas.hasAttribute('aria-label') || canvas.dataset['of'] !== player.name) {
        canvas.dataset['of'] = player.name
        canvas.setAttribute('aria-label', `The game as ${player.name} sees it`)
      }
      if (fate === 'playing' && !isAsleep) draw(player, color)
    },
  }
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
