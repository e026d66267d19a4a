/** Puts the plaza together: simulation, network and picture, and the frame that runs all three. */
import { drive } from '@baton/core'
import { createWorld, query } from 'bitecs'
import { displayNameOf, enterPlaza, explainFailure } from './net/session.ts'
import { Avatar, Crate, Nameplate, Transform } from './sim/components.ts'
import { createPlaza } from './sim/plaza.ts'
import { createAvatars, playerColor } from './view/avatars.ts'
import { createCrates } from './view/crates.ts'
import { createFollow } from './view/follow.ts'
import { createInput } from './view/input.ts'
import { createPanel } from './view/panel.ts'
import { createStage } from './view/stage.ts'

const CRATE_COUNT = 320

const element = (id: string): HTMLElement => document.getElementById(id)!
const notice = (text: string): void => {
  element('notice').textContent = text
  element('notice').classList.toggle('shown', text !== '')
}

const world = createWorld()
const plaza = await createPlaza(world)
const stage = createStage(element('scene') as HTMLCanvasElement)
const crates = createCrates(stage.scene, 2_048)
const avatars = createAvatars(stage.scene, element('names'))
const input = createInput(stage.canvas, element('stick'), element('jump'))
const panel = createPanel(element('panel'))
const follow = createFollow()

const params = new URLSearchParams(location.search)
const room = params.get('room') ?? 'plaza'
notice('joining …')
const session = await enterPlaza({
  world,
  room,
  displayName: displayNameOf(params.get('name')),
  crateCount: CRATE_COUNT,
  conditions: panel.wants,
  onStage: (stageName) => notice(`${stageName} …`),
  onNotice: notice,
}).catch((failure: unknown) => {
  notice(explainFailure(failure))
  throw failure
})
notice('')
setTimeout(() => (element('hint').style.opacity = '0'), 8_000)

let lastMs: number | undefined
drive((nowMs) => {
  const deltaSeconds = Math.min(0.1, (nowMs - (lastMs ?? nowMs)) / 1000)
  lastMs = nowMs
  session.receive(nowMs)
  plaza.advance(nowMs, session.me, input.read())
  session.touch(plaza.touched)
  session.send(nowMs)
  if (!document.hidden) draw(deltaSeconds)
})

function draw(deltaSeconds: number): void {
  follow.update(stage.camera, session.me, input.yaw, input.pitch, deltaSeconds)
  stage.lightUp(follow.focus)
  const tintOf = panel.wants.tint ? tintByAuthority : () => undefined
  crates.draw(query(world, [Transform, Crate]), tintOf)
  avatars.draw(query(world, [Transform, Avatar, Nameplate]), stage.camera, session.isHostsAvatar)
  panel.show(session.readings())
  stage.render()
}

function tintByAuthority(eid: number): ReturnType<typeof playerColor> | undefined {
  const avatar = session.avatarOfAuthority(eid)
  return avatar === undefined ? undefined : playerColor(Nameplate.hue[avatar]!)
}

// For the end-to-end tests: what this page holds, without reaching into its modules.
Object.assign(window, { plaza: { world, session, Transform, Crate, Avatar, query } })
