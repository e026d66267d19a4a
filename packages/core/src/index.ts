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
export type { MessageData } from './channels/message-data.ts'
export type { ChannelOptions } from './channels/numbered-channel.ts'
export { MAX_APPLICATION_MESSAGE_BYTES } from './channels/application.ts'
export { MAX_UNRELIABLE_LANE_BYTES, MAX_UNRELIABLE_MESSAGE_BYTES } from './channels/lane-frame.ts'
export { createNetwork, type Network } from './network.ts'
export { drive, type DriveOptions } from './drive.ts'
export type {
  HostChange,
  HostChangeReason,
  NetworkEvents,
  NetworkMessageEvent,
  NetworkOptions,
  NetworkState,
} from './network-types.ts'
export type { BufferedNetworkMessage, NetworkListener, NetworkMessage } from './listener.ts'
export type { LogEntry, LogEvent } from './host/log-entry.ts'
export type { HostInspection } from './host/inspect.ts'
export type { NetworkLower } from './lower.ts'
export type { Peer } from './peers/peer.ts'
export type { NetworkCounters, PeerChange, Protocol, ReceivedControl, ReceivedState } from './room.ts'
export { PROTOCOL_VERSION } from './room.ts'
