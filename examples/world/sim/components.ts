/** What an entity of the plaza is made of. Columns are plain typed arrays: `Transform.translation.x[eid]`. */
import { defineReplicated, text, uint } from '@baton/replication'
import { position, quat, replicated, rotation, vec3 } from '@baton/replication/decorators'

/** Where a body is. Meters and a unit quaternion; sixty times a second, newest wins. */
@replicated()
export class Transform {
  @position({ range: 128, step: 1 / 512 }) static translation = vec3()
  @rotation({ bits: 10 }) static rotation = quat()
}

/** Said once, when an avatar enters. `hue` in steps of 360/256 degrees. */
export const Nameplate = defineReplicated(
  'Nameplate',
  { name: text({ maxBytes: 96 }), hue: uint(8) },
  { delivery: 'once' },
)

/** Local tags: what kind of body an entity has here. */
export const Crate = {}
export const Avatar = {}
