/**
 * Comparing numbers that wrap: sequences of 16 bits, ticks of 32.
 *
 * Invariant: of two numbers the greater is the one less than half the range ahead; exactly half the
 * range apart neither is greater (RFC 1982, 3.2), and their difference is the negative extreme.
 */

/** `a - b` as the shorter way round the 16-bit circle: from -32,768 to 32,767. */
export function serialDifference16(a: number, b: number): number {
  return ((a - b) << 16) >> 16
}

/** True when `a` comes after `b` among 16-bit serial numbers. */
export function serialGreaterThan16(a: number, b: number): boolean {
  return serialDifference16(a, b) > 0
}

/** `a - b` as the shorter way round the 32-bit circle: from -2,147,483,648 to 2,147,483,647. */
export function serialDifference32(a: number, b: number): number {
  return (a - b) | 0
}

/** True when `a` comes after `b` among 32-bit serial numbers, ticks for example. */
export function serialGreaterThan32(a: number, b: number): boolean {
  return serialDifference32(a, b) > 0
}
