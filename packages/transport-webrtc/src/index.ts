/** Entry `@baton/transport-webrtc`: join a room from a browser, or from anywhere that brings its own WebRTC. */
export { joinRoom } from './join.ts'
export type { JoinOptions } from './join.ts'
export { connectTransport } from './connect.ts'
export type { ConnectOptions, JoinStage } from './connect.ts'
export type { WebRtcTransport, WebRtcTransportCounters } from './webrtc-transport.ts'
export type { WebRtcImplementation } from './peer-connection.ts'
export type { WebSocketFactory, WebSocketLike } from './lobby-client.ts'
