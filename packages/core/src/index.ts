/**
 * `@baton/core`: peers, channels, clocks and messages. It does no I/O and reads no clock; a transport
 * carries its bytes, and `drive` calls it once per frame.
 */
export * from './transport/transport.ts'
export * from './errors.ts'
export { BitReader, BitWriter } from './bytes/index.ts'
export { serialDifference16, serialDifference32, serialGreaterThan16, serialGreaterThan32 } from './sequence/serial.ts'
export { ACK_BIT_COUNT, AckWindow } from './sequence/ack-window.ts'
export { SENT_WINDOW_SIZE, SentWindow } from './sequence/sent-window.ts'
export { SEQUENCE_WINDOW_SIZE, SequenceWindow } from './sequence/sequence-window.ts'
export { TickClock, tickDifference, wrapTick, type TickClockOptions } from './clock/tick-clock.ts'
export { ClockSync } from './clock/clock-sync.ts'
