/** Components as a game writes them. Compiled by every compiler, in both forms of decorators, and run. */
import {
  blob,
  bool,
  bytes,
  eid,
  entity,
  enumeration,
  f32,
  float32,
  i16,
  int,
  position,
  quantized,
  quat,
  replicated,
  rotation,
  str,
  text,
  u16,
  u8,
  uint,
  vec3,
} from '@baton/replication/decorators'

@replicated()
export class Transform {
  @position({ range: 512, step: 1 / 512 }) static translation = vec3()
  @rotation({ bits: 10 }) static rotation = quat()
}

@replicated({ delivery: 'reliable' })
export class Health {
  @uint(8) static points = u8(128)
  /** Neither a column nor replicated. */
  static readonly MAX = 200
  static describe(entity: number): string {
    return `${this.points[entity]} of ${Health.MAX}`
  }
}

@replicated({ name: 'Everything', delivery: 'once' })
export class Renamed {
  @float32() static weight = f32(64)
  @quantized({ min: -1, max: 1, step: 0.25 }) static lean = f32(64)
  @uint(12) static ammo = u16(64)
  @int(9) static slope = i16(64)
  @bool() static on = u8(64)
  @enumeration(['calm', 'cross']) static mood = u8(64)
  @entity() static target = eid(64)
  @text({ maxBytes: 24 }) static label = str(64)
  @bytes({ maxBytes: 8 }) static extra = blob(64)
}

/** A class of its own, although what it extends is replicated too. */
@replicated({ rateHz: 10 })
export class Ghost extends Transform {
  @position({ range: 64, step: 0.5, interpolate: 'hermite' }) static trail = vec3(64)
}

// The columns have the types that their makers say, and the compiler keeps specs off the wrong ones.
Transform.translation.x satisfies Float32Array
Health.points satisfies Uint8Array
Renamed.label satisfies string[]
