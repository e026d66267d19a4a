/**
 * The rules for dependency-cruiser: the table of rooms and doors, and what holds inside of rooms.
 *
 * Invariant: every rule is an error and allows by name; what nobody thought of is refused.
 */
import type { IForbiddenRuleType } from 'dependency-cruiser'
import { listEntries, listPackages } from '../workspace.ts'
import { DOORS, ROOMS } from './import-table.ts'

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
        // An id is vocabulary, not a stage.
        pathNot: ['^packages/replication/src/$1/', '^packages/replication/src/pipeline/network-id\\.ts$'],
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
      name: 'bitecs-called-once',
      comment: 'functions of bitECS are called in lifecycle/ecs.ts; elsewhere its types may be named',
      severity: 'error',
      from: { path: '^packages/replication/src/', pathNot: [TEST, '^packages/replication/src/lifecycle/ecs\\.ts$'] },
      to: { path: npm(['bitecs']), dependencyTypesNot: ['type-only'] },
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
      to: { couldNotResolve: true, pathNot: '^(virtual:|planted-expect$)' },
    },
    {
      name: 'nobody-imports-tests',
      comment: 'a test file is imported by nobody',
      severity: 'error',
      from: {},
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'no-dead-files',
      comment: 'no entry of its package leads to this file: wire it or remove it',
      severity: 'error',
      from: { path: [...everyEntry, '^packages/[^/]+/src/cli\\.ts$'] },
      to: {
        path: '^(packages/[^/]+/src|schemas/codec)/',
        // A bench in core's testing folder, which is otherwise an entry's, is for core's own tests.
        pathNot: [TEST, '\\.d\\.ts$', '^packages/[^/]+/src/cli\\.ts$', '/testing/[^/]+-bench\\.ts$', ...everyEntry],
        reachable: false,
      },
    },
    {
      name: 'public-entries-only',
      comment: 'another package is met through the entries of its exports',
      severity: 'error',
      from: { path: '^(schemas|(?:packages|examples)/[^/]+)/' },
      to: { path: '^(schemas|packages)/', pathNot: ['^$1/', '\\.json$', '\\.fbs$', ...everyEntry] },
    },
    {
      name: 'tools-through-entries',
      comment:
        'tools, benchmarks and the simulator meet packages through their entries and their test material; codegen writes inside schemas',
      severity: 'error',
      from: { path: '^(tools|benchmarks|simulation)/', pathNot: '^tools/(codegen|layout-source|reflection)\\.ts$' },
      to: {
        path: '^(schemas|packages)/',
        pathNot: ['^schemas/(fixtures|test)/', '^packages/[^/]+/test/', '\\.json$', ...everyEntry],
      },
    },
  ]
}
