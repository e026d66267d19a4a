/**
 * How contenders with 16-bit numbers scale them: positions up to 512 m, components of a quaternion up to 1.
 *
 * Invariant: every 16-bit contender uses these, so that they are equally exact.
 */
export const POSITION_SCALE_16 = 64
export const ROTATION_SCALE_16 = 32_767
