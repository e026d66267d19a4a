// One cube that everybody in the room can grab: press and move. Open it in two tabs.
import { drive } from '@baton/core'
import { Authority, createReplication, definePrefab } from '@baton/replication'
import { position, quat, replicated, rotation, vec3 } from '@baton/replication/decorators'
import { joinRoom } from '@baton/transport-webrtc'
import { createWorld, query } from 'bitecs'
import { createView } from './view.ts'

@replicated()
class Transform {
  @position({ range: 16, step: 1 / 512 }) static translation = vec3()
  @rotation({ bits: 10 }) static rotation = quat()
}
const cube = definePrefab({ components: [Transform] })

const world = createWorld()
const network = await joinRoom({ room: 'minimal' })
const replication = createReplication({ world, network, components: [Transform], prefabs: { cube } })
if (network.isHost) replication.spawn(cube)

const view = createView()
view.onPress = () => query(world, [Transform]).forEach((eid) => replication.claim(eid))

drive((nowMs) => {
  replication.receive(nowMs)
  for (const eid of query(world, [Transform, Authority])) {
    if (view.pointer) [Transform.translation.x[eid], Transform.translation.y[eid]] = view.pointer
    Transform.rotation.y[eid] = Math.sin(nowMs / 1000)
    Transform.rotation.w[eid] = Math.cos(nowMs / 1000)
  }
  replication.send(nowMs)
  for (const eid of query(world, [Transform])) view.draw(Transform, eid)
})
