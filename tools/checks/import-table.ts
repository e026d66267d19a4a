/**
 * Who may import whom, as data; `import-rule-set.ts` makes rules of it.
 *
 * Invariant: a room's line names everything it may import, so a new edge is an edit here, with a reason, and never
 * an accident. Tests get a little more (their runner, the in-memory network), but never a room above their own.
 */
export interface Room {
  readonly name: string
  /** Where the room's own files live. */
  readonly path: string
  /** Packages of the workspace, through their public entries only. */
  readonly rooms: readonly string[]
  /** npm packages. A door narrows them further, see DOORS. */
  readonly packages: readonly string[]
  readonly node: boolean
  /** Rooms and packages that only tests of this room may import. */
  readonly testRooms?: readonly string[]
  readonly testPackages?: readonly string[]
}

export const ROOMS: readonly Room[] = [
  { name: 'schemas', path: '^schemas/', rooms: [], packages: ['flatbuffers'], node: false },
  {
    // The byte functions of the typed buffer (hashes, compression, half floats) are their own entry, @baton/core/bytes,
    // and may use small pure packages; what a game pays for the main entry is guarded by the size budget.
    name: 'core-bytes',
    path: '^packages/core/src/bytes/',
    rooms: ['@baton/schemas'],
    packages: ['@noble/hashes', '@petamoriken/float16', 'adler-32', 'crc-32', 'fflate', 'js-base64'],
    node: false,
  },
  {
    name: 'core',
    path: '^packages/core/(?!src/bytes/|src/testing/transport-contract)',
    rooms: ['@baton/schemas'],
    packages: ['eventemitter3'],
    node: false,
  },
  {
    // The suite that every transport must pass is an entry of its own, for people who write transports.
    name: 'transport-contract',
    path: '^packages/core/src/testing/transport-contract\\.ts$',
    rooms: [],
    packages: ['vitest'],
    node: false,
  },
  {
    name: 'replication',
    path: '^packages/replication/',
    rooms: ['@baton/core', '@baton/schemas'],
    // crc-32 makes the protocol hash; hashes come from libraries, and core ships the same one.
    packages: ['bitecs', 'eventemitter3', 'crc-32'],
    node: false,
    // The decorators are compiled in both of their forms, by both compilers that people use.
    testPackages: ['esbuild', 'typescript', '@typescript/typescript6'],
  },
  {
    name: 'transport-webrtc',
    path: '^packages/transport-webrtc/',
    rooms: ['@baton/core', '@baton/schemas'],
    packages: ['eventemitter3', 'simple-peer', 'node-datachannel', '@roamhq/wrtc', 'ws'],
    node: true,
    testRooms: ['@baton/server'],
    testPackages: ['vite', 'playwright'],
  },
  {
    name: 'server',
    path: '^packages/server/',
    rooms: ['@baton/core', '@baton/schemas', '@baton/replication'],
    packages: ['ws', 'cac', 'vite', 'esbuild', '@nats-io/transport-node'],
    node: true,
    testPackages: ['@roamhq/wrtc', 'simple-peer', 'playwright'],
  },
  {
    name: 'gamemaker',
    path: '^packages/gamemaker/',
    rooms: ['@baton/core', '@baton/transport-webrtc', '@baton/server'],
    packages: [],
    node: true,
  },
  {
    name: 'devtools',
    path: '^packages/devtools/',
    rooms: ['@baton/core', '@baton/replication'],
    packages: [],
    node: false,
  },
]

export interface Door {
  /** The foreign thing. */
  readonly name: string
  /** The files that may import it, among the workspace's product files. */
  readonly files: string
  readonly why: string
}

/** One door per foreign thing. Keep `files` as short as the code allows. */
export const DOORS: readonly Door[] = [
  {
    name: 'flatbuffers',
    // The benchmarks measure the library itself.
    files: '^(schemas/(codec|generated)/|benchmarks/contenders/)',
    why: 'bytes become plain objects in schemas',
  },
  { name: 'simple-peer', files: '^packages/transport-webrtc/src/peer-connection\\.ts$', why: 'RTCPeerConnection' },
  { name: 'node-datachannel', files: '^packages/transport-webrtc/src/node/', why: 'WebRTC for Node' },
  { name: '@roamhq/wrtc', files: '^packages/transport-webrtc/src/node/', why: 'WebRTC for Node' },
  {
    // Two ends of a WebSocket: the lobby's, and a Node peer's, because Node 20 has none of its own.
    name: 'ws',
    files: '^packages/(server/src/(websocket-)?listener\\.ts$|transport-webrtc/src/node/)',
    why: 'WebSockets in Node',
  },
  { name: '@nats-io/transport-node', files: '^packages/server/src/bus/', why: 'the message bus' },
  { name: 'cac', files: '^(packages/server/src/cli\\.ts$|tools/|benchmarks/|simulation/)', why: 'command lines' },
  {
    name: 'bitecs',
    // Types of a world may be named where a world is handed in; functions of bitECS are called in lifecycle/ecs.ts alone.
    files:
      '^(packages/replication/src/(lifecycle/ecs|replication|create-state)\\.ts$' +
      '|packages/server/src/game-server\\.ts$|examples/|benchmarks/|simulation/|tools/)',
    why: 'the ECS is read in one place and written in one',
  },
]
