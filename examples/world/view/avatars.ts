/** Players: a figure each, and a name that floats over it as plain HTML. */
import { Color, Vector3, type PerspectiveCamera, type Scene } from 'three'
import { Nameplate } from '../sim/components.ts'
import { AVATAR_HALF_HEIGHT_M, AVATAR_RADIUS_M } from '../sim/physics.ts'
import { createPose } from '../sim/pose.ts'
import { createFigure, type Figure } from './figure.ts'
import type { Moment } from './moment.ts'

export interface Avatars {
  draw(eids: ArrayLike<number>, moment: Moment, camera: PerspectiveCamera, isHost: (eid: number) => boolean): void
}

interface Player {
  readonly figure: Figure
  readonly label: HTMLElement
  strideM: number
  speedMps: number
}

/** Names are legible up to here and gone a little later, meters. */
const NAMES_TO_M = 38
const NAME_OVER_M = AVATAR_HALF_HEIGHT_M + AVATAR_RADIUS_M + 0.28

/** A player's color from its hue column; also tints what it simulates. */
export function playerColor(hue: number): Color {
  return new Color().setHSL(hue / 256, 0.78, 0.48)
}

export function createAvatars(scene: Scene, names: HTMLElement): Avatars {
  const players = new Map<number, Player>()
  const pose = createPose()
  const head = new Vector3()

  function create(eid: number): Player {
    const color = playerColor(Nameplate.hue[eid]!)
    const figure = createFigure(color)
    scene.add(figure.group)
    const label = document.createElement('div')
    label.className = 'name'
    label.textContent = Nameplate.name[eid] || 'guest'
    label.style.setProperty('--player', `#${color.getHexString()}`)
    names.append(label)
    const player = { figure, label, strideM: 0, speedMps: 0 }
    players.set(eid, player)
    return player
  }

  function remove(eid: number, { figure, label }: Player): void {
    scene.remove(figure.group)
    figure.dispose()
    label.remove()
    players.delete(eid)
  }

  function placeName(label: HTMLElement, camera: PerspectiveCamera): void {
    const awayM = head.distanceTo(camera.position)
    head.project(camera)
    const isSeen = head.z < 1 && awayM < NAMES_TO_M
    label.style.display = isSeen ? '' : 'none'
    if (!isSeen) return
    const x = ((head.x + 1) / 2) * innerWidth
    const y = ((1 - head.y) / 2) * innerHeight
    const size = Math.min(1, Math.max(0.72, 13 / awayM))
    label.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -100%) scale(${size.toFixed(2)})`
    label.style.zIndex = String(Math.round(1_000 - awayM * 10))
    label.style.opacity = String(Math.min(1, (NAMES_TO_M - awayM) / 8))
  }

  return {
    draw(eids, { part, elapsedSeconds, poseOf }, camera, isHost) {
      const here = new Set<number>()
      for (let i = 0; i < eids.length; i += 1) {
        const eid = eids[i]!
        here.add(eid)
        const player = players.get(eid) ?? create(eid)
        const { figure, label } = player
        const { group } = figure
        poseOf(eid, part, pose)
        advance(player, pose[0]! - group.position.x, pose[2]! - group.position.z, elapsedSeconds)
        const isUp = Math.abs(pose[1]! - group.position.y) > 0.9 * elapsedSeconds
        group.position.set(pose[0]!, pose[1]!, pose[2]!)
        group.quaternion.set(pose[3]!, pose[4]!, pose[5]!, pose[6]!)
        figure.walk(player.strideM, player.speedMps, isUp)
        const host = isHost(eid)
        figure.holdBaton(host)
        label.classList.toggle('host', host)
        head.copy(group.position).y += NAME_OVER_M
        placeName(label, camera)
      }
      for (const [eid, player] of players) if (!here.has(eid)) remove(eid, player)
    },
  }
}

/** Counts the way and smooths the speed; a jump across the square is no walk. */
function advance(player: Player, dx: number, dz: number, elapsedSeconds: number): void {
  const wayM = Math.hypot(dx, dz)
  if (elapsedSeconds <= 0 || wayM > 2) return
  player.strideM += wayM
  player.speedMps += (wayM / elapsedSeconds - player.speedMps) * Math.min(1, elapsedSeconds * 12)
}
