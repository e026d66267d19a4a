/** Puts the plaza together: simulation, network and picture, and the frame that runs all three. */
import { createWorld, query } from 'bitecs'
import { displayNameOf, enterPlaza, explainFailure } from './net/enter.ts'
import { drive, type Session } from './net/session.ts'
import { Avatar, Crate, Nameplate, Transform } from './sim/components.ts'
import { crateLayout } from './sim/layout.ts'
import { createPlaza } from './sim/plaza.ts'
import { createAvatars, playerColor } from './view/avatars.ts'
import { createBatonCard } from './view/baton-card.ts'
import { createCrates } from './view/crates.ts'
import { createFollow } from './view/follow.ts'
import { createInput } from './view/input.ts'
import { createNotice } from './view/notice.ts'
import { createPanel } from './view/panel.ts'
import { buildScenery } from './view/scenery.ts'
import { createStage } from './view/stage.ts'

const CRATE_COUNT = 320

const element = (id: string): HTMLElement => document.getElementById(id)!
const params = new URLSearchParams(location.search)

const world = createWorld()
const plaza = await createPlaza(world)
const wish = params.get('quality')
const panel = createPanel(element('panel'), wish === 'low' || wish === 'high' ? wish : 'auto')
const notice = createNotice(element('notice'))
const card = createBatonCard((id) => session.baton.handOn(id))
const stage = createStage(element('scene') as HTMLCanvasElement, panel.quality)
buildScenery(stage.scene, stage.far)
const crates = createCrates(stage.scene, 2_048)
const avatars = createAvatars(stage.scene, element('names'))
const input = createInput(stage.canvas, element('stick'), element('jump'))
const follow = createFollow()
stage.prepare()
stage.render()

const session: Session = await enterPlaza({
  world,
  room: params.get('room') ?? 'plaza',
  lobby: params.get('lobby') ?? undefined,
  displayName: displayNameOf(params.get('name')),
  crates: crateLayout(CRATE_COUNT),
  conditions: panel.conditions,
  onNotice: notice,
  onBaton: (text) => card.tell(text),
}).catch((failure: unknown) => {
  notice(explainFailure(failure), 'fatal')
  throw failure
})
setTimeout(() => element('hint').classList.add('gone'), 9_000)

let lastMs: number | undefined
drive((nowMs) => {
  const { stepCount, part } = session.receive(nowMs)
  plaza.advance(stepCount, session.me, input.read())
  session.touch(plaza.touched)
  session.send(nowMs)
  if (!document.hidden) draw(part, nowMs - (lastMs ?? nowMs))
  lastMs = nowMs
})

function draw(part: number, elapsedMs: number): void {
  const elapsedSeconds = Math.min(0.1, elapsedMs / 1000)
  const moment = { part, elapsedSeconds, isRough: stage.quality.isRough, poseOf: plaza.poseOf }
  follow.update(stage.camera, session.me, moment, input)
  crates.draw(query(world, [Transform, Crate]), moment, panel.tint ? tintByAuthority : undefined)
  avatars.draw(query(world, [Transform, Avatar, Nameplate]), moment, stage.camera, session.isHostsAvatar)
  panel.show(session.readings())
  card.show(session.baton.read())
  stage.quality.wish = panel.quality
  stage.render(follow.focus, elapsedMs)
}

function tintByAuthority(eid: number): ReturnType<typeof playerColor> | undefined {
  const avatar = session.avatarOfAuthority(eid)
  return avatar === undefined ? undefined : playerColor(Nameplate.hue[avatar]!)
}

// For the end-to-end tests: what this page holds, without reaching into its modules.
Object.assign(window, { plaza: { world, session, plaza, input, panel, Transform, Crate, Avatar, Nameplate, query } })
