/** What an entity of the plaza is made of. Columns are plain typed arrays: `Transform.translation.x[eid]`. */
import { position, quat, replicated, rotation, str, text, u8, uint, vec3 } from '@baton/replication/decorators'

/** Where a body is. Meters and a unit quaternion; sixty times a second, newest wins. */
@replicated()
export class Transform {
  @position({ range: 128, step: 1 / 512 }) static translation = vec3()
  @rotation({ bits: 10 }) static rotation = quat()
}

/** Said once, when an avatar enters. `hue` in 256ths of the color wheel. */
@replicated({ delivery: 'once' })
export class Nameplate {
  @text({ maxBytes: 96 }) static name = str()
  @uint(8) static hue = u8()
}

/** Local tags: what kind of body an entity has here. */
export const Crate = {}
export const Avatar = {}
