/**
 * Who may import whom, as data and as rules for dependency-cruiser.
 *
 * Invariant: a room's line names everything it may import, so a new edge is an edit here, with a reason, and never
 * an accident. Tests get a little more (their runner, the in-memory network), but never a room above their own.
 */
import type { IForbiddenRuleType } from 'dependency-cruiser'
import { listEntries, listPackages } from '../workspace.ts'

interface Room {
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

const ROOMS: readonly Room[] = [
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
    testPackages: ['esbuild', 'typescript'],
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

interface Door {
  /** The foreign thing. */
  readonly name: string
  /** The files that may import it, among the workspace's product files. */
  readonly files: string
  readonly why: string
}

/** One door per foreign thing. Keep `files` as short as the code allows. */
export const DOORS: readonly Door[] = [
  { name: 'flatbuffers', files: '^schemas/(codec|generated)/', why: 'bytes become plain objects in schemas' },
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
  { name: 'cac', files: '^(packages/server/src/cli\\.ts$|tools/|benchmarks/)', why: 'command lines' },
  {
    name: 'bitecs',
    files:
      '^(packages/replication/src/(pipeline/snapshot|replication|world-[a-z-]+|tags|index)\\.ts$' +
      '|packages/replication/src/lifecycle/|packages/server/src/game-server\\.ts$|examples/|benchmarks/|tools/)',
    why: 'the ECS is read in one place and written in one',
  },
]

const TEST = '\\.test(-d)?\\.ts$|/(test|e2e)/|^schemas/fixtures/|^packages/(?!core/)[^/]+/src/testing/|/vitest\\.'
const TEST_PACKAGES = ['vitest', '@vitest/[^/]+', 'fast-check']
const NODE_BUILTIN =
  '^(node:)?(assert|async_hooks|buffer|child_process|cluster|crypto|dgram|diagnostics_channel|dns|events|fs|http|http2|https|inspector|module|net|os|path|perf_hooks|process|punycode|querystring|readline|repl|stream|string_decoder|timers|tls|tty|url|util|v8|vm|wasi|worker_threads|zlib|test)(/|$)'

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

/** Matches a package resolved below any node_modules folder, or by its bare name when it is not installed. */
function npm(names: readonly string[]): string[] {
  return names.map((name) => `(^|node_modules/)(@types/)?${name.replace('.', '\\.')}(/|$)`)
}

/** The rules for the repository at `root`; entries are read from the `exports` of its packages. */
export function importRules(root: string): IForbiddenRuleType[] {
  const entries = new Map<string, string[]>()
  for (const item of listPackages(root)) {
    entries.set(
      item.manifest.name,
      listEntries(item).map((entry) => `^${escape(entry.source)}$`),
    )
  }
  const through = (names: readonly string[]): string[] => names.flatMap((name) => entries.get(name) ?? [])
  const everyEntry = [...entries.values()].flat()

  const rooms = ROOMS.flatMap((room): IForbiddenRuleType[] => {
    const own = room.path.startsWith('^packages/core/') ? '^packages/core/' : room.path
    const allowed = [own, ...through(room.rooms), ...npm(room.packages), ...(room.node ? [NODE_BUILTIN] : [])]
    const inTests = [
      ...allowed,
      ...through(room.testRooms ?? []),
      ...npm([...TEST_PACKAGES, ...(room.testPackages ?? [])]),
      NODE_BUILTIN,
    ]
    const names = [...room.rooms, ...room.packages].join(', ') || 'nothing'
    return [
      {
        name: `room-${room.name}`,
        comment: `${room.name} may import ${names}${room.node ? ', Node' : ''}`,
        severity: 'error',
        from: { path: room.path, pathNot: TEST },
        to: { couldNotResolve: false, pathNot: allowed },
      },
      {
        name: `room-${room.name}-tests`,
        comment: `tests of ${room.name} may import ${names}, their runner and Node`,
        severity: 'error',
        from: { path: `^(?=.*(?:${TEST}))${room.path.slice(1)}` },
        to: { couldNotResolve: false, pathNot: inTests },
      },
    ]
  })

  const doors = DOORS.map((door): IForbiddenRuleType => ({
    name: `door-${door.name}`,
    comment: `${door.name} is imported in one place only: ${door.why}`,
    severity: 'error',
    from: { pathNot: [door.files, TEST, 'node_modules'] },
    to: { path: npm([door.name]) },
  }))

  return [...rooms, ...doors, ...replicationRules(), ...exampleRules(through), ...generalRules(everyEntry)]
}

function replicationRules(): IForbiddenRuleType[] {
  return [
    {
      name: 'policies-apart',
      comment: 'pipeline, authority, interest, interpolation and lifecycle do not import each other; the spines do',
      severity: 'error',
      from: {
        path: '^packages/replication/src/(pipeline|authority|interest|interpolation|lifecycle)/',
        pathNot: TEST,
      },
      to: {
        path: '^packages/replication/src/(pipeline|authority|interest|interpolation|lifecycle)/',
        pathNot: '^packages/replication/src/$1/',
      },
    },
    {
      name: 'spines-on-top',
      comment: 'a stage or policy gets data and returns data; it never calls back into a spine',
      severity: 'error',
      from: {
        path: '^packages/replication/src/(schema|pipeline|authority|interest|interpolation|lifecycle)/',
        pathNot: TEST,
      },
      to: { path: '^packages/replication/src/(replication|outgoing|incoming|present|index)\\.ts$' },
    },
    {
      name: 'schema-at-the-bottom',
      comment: 'schema/ is imported by all stages and imports none; only the registry hangs each schema its column door',
      severity: 'error',
      from: { path: '^packages/replication/src/schema/', pathNot: TEST },
      to: {
        path: '^packages/replication/src/(pipeline|authority|interest|interpolation|lifecycle)/',
        pathNot: '^packages/replication/src/pipeline/column-door\\.ts$',
      },
    },
    {
      name: 'no-testing-in-product',
      comment: 'the in-memory network and its tools are for tests',
      severity: 'error',
      from: { path: '^(packages|schemas)/', pathNot: [TEST, '^packages/core/src/testing/'] },
      to: { path: '^packages/core/src/testing/' },
    },
  ]
}

function exampleRules(through: (names: readonly string[]) => string[]): IForbiddenRuleType[] {
  const network = through(['@baton/core', '@baton/transport-webrtc'])
  return [
    {
      // An example that is one file by intent (examples/minimal) has no folders to keep apart.
      name: 'three-in-view',
      comment: 'three is the business of view/',
      severity: 'error',
      from: { pathNot: ['^examples/[^/]+/view/', '^examples/minimal/[^/]+\\.ts$', 'node_modules'] },
      to: { path: npm(['three']) },
    },
    {
      name: 'network-in-net',
      comment: 'net/ is the only folder of an example that imports @baton/transport-webrtc or @baton/core',
      severity: 'error',
      from: {
        path: '^examples/',
        pathNot: ['^examples/[^/]+/net/', '^examples/minimal/[^/]+\\.ts$', TEST],
      },
      to: { path: network },
    },
    {
      name: 'sim-alone',
      comment: 'sim/ knows neither the view nor the network',
      severity: 'error',
      from: { path: '^examples/([^/]+)/sim/', pathNot: TEST },
      to: { path: ['^examples/$1/(net|view)/', '^packages/(server|devtools)/'] },
    },
  ]
}

function generalRules(everyEntry: readonly string[]): IForbiddenRuleType[] {
  return [
    { name: 'no-cycles', comment: 'no cycles anywhere', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      comment: 'an import that resolves to nothing hides an edge from every other rule',
      severity: 'error',
      from: { pathNot: 'node_modules' },
      to: { couldNotResolve: true, pathNot: '^virtual:' },
    },
    {
      name: 'nobody-imports-tests',
      comment: 'a test file is imported by nobody',
      severity: 'error',
      from: {},
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'public-entries-only',
      comment: 'another package is met through the entries of its exports',
      severity: 'error',
      // The code generator writes what lies inside schemas, so it knows the shapes that lie there.
      from: {
        path: '^(schemas|benchmarks|tools|(?:packages|examples)/[^/]+)/',
        pathNot: '^tools/(codegen|layout-source|reflection)\\.ts$',
      },
      to: {
        path: '^(schemas|packages)/',
        pathNot: ['^$1/', '\\.json$', '\\.fbs$', ...everyEntry],
      },
    },
  ]
}
