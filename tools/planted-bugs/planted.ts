/**
 * The list of bugs that are put into the source, one at a time, to see whether anything notices.
 *
 * Invariant: a bug is a text that is found exactly once and another that stands in its place; the product
 * itself knows nothing of it.
 */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  readonly find: string
  readonly put: string
}

export interface PlantedBug {
  readonly name: string
  /** The rule it breaks. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** It lies outside of the machine: only the simulator, or these test files, can see it. */
  readonly isOutside?: true
  readonly tests?: readonly string[]
}

const HOST = 'packages/core/src/host'

function bug(name: string, rule: string, file: string, find: string, put: string): PlantedBug {
  return { name, rule, edits: [{ file: `${HOST}/${file}.ts`, find, put }] }
}

function outside(name: string, rule: string, edits: readonly (readonly [string, string, string])[]): PlantedBug {
  return { name, rule, isOutside: true, edits: edits.map(([file, find, put]) => ({ file, find, put })) }
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  bug('no lease check', 'HM2', 'council', '&& !reign.isBurned && holdsLease(machine)', '&& !reign.isBurned'),
  bug('longer lease', 'HM2', 'timing', 'LEASE_SHARE = 0.97', 'LEASE_SHARE = 1.6'),
  bug(
    'one clock only',
    'HM2',
    'machine',
    'return Math.max(machine.nowMs - moment.monoMs, machine.wallMs - moment.wallMs)',
    'return machine.nowMs - moment.monoMs',
  ),
  bug(
    'acks count from when they came',
    'HM2',
    'reign',
    'reign.acked.set(from, sent)',
    'reign.acked.set(from, now(machine))',
  ),
  bug('a quorum that is one short', 'HM2', 'council', 'ages[count >> 1]!', 'ages[Math.max(0, (count >> 1) - 1)]!'),
  bug(
    'a goodbye counts at any time',
    'HM2',
    'step',
    'if (acked === undefined || ageMs(machine, acked) >= LEASE_SHARE * machine.leaseMs) return',
    '',
  ),
  bug('who came back still counts as gone', 'HM2', 'reign', 'reign.resigned.delete(to)', ''),
  bug('vote without silence', 'HM3', 'council', 'return silenceMs(machine) >= machine.leaseMs && ', 'return '),
  bug(
    'vote is no lease',
    'HM3',
    'votes',
    'machine.candidate = to\n  machine.grantedMs = machine.nowMs\n',
    'machine.candidate = to\n',
  ),
  bug('vote is no lease for silence', 'HM3', 'council', ' && machine.nowMs - machine.grantedMs >= machine.leaseMs', ''),
  bug('double vote', 'HM3', 'votes', 'if (machine.candidate === from) {', 'if ((machine.candidate = from) !== 0) {'),
  bug(
    'granted again without renewal',
    'HM3',
    'votes',
    '// HM3: asked again, promised again.\n    machine.grantedMs = machine.nowMs\n',
    '\n',
  ),
  bug(
    'stale release',
    'HM3',
    'votes',
    "if (machine.role === 'host' || hasPromised(machine)) return\n  machine.release = to",
    "if (machine.role === 'host') return\n  machine.release = to",
  ),
  bug(
    'kept release',
    'HM3',
    'votes',
    'machine.grantedMs = machine.nowMs\n  machine.release = undefined\n  machine.request',
    'machine.grantedMs = machine.nowMs\n  machine.request',
  ),
  bug(
    'release kept by who yields',
    'HM5',
    'votes',
    'machine.release = undefined\n  machine.preVoteMs = undefined\n  machine.candidate = from',
    'machine.candidate = from',
  ),
  bug(
    'who voted goes on as host',
    'HM3',
    'votes',
    'function giveWay(machine: HostMachine): void {\n  stepDown(machine)',
    'function giveWay(machine: HostMachine): void {',
  ),
  bug(
    'no pre-vote',
    'HM4',
    'election',
    'if (!isReleased && !(isSilent && isSuspected(machine))) {',
    'if (!isReleased && !isSilent) {',
  ),
  bug(
    'no stagger',
    'HM4',
    'election',
    'nowMs >= machine.preVoteMs + staggerMs(machine, rank, isReleased)',
    'nowMs >= machine.preVoteMs',
  ),
  bug(
    'reports of who does not vote',
    'HM4',
    'silence',
    'if (!countsAsVoter(machine, from)) return\n  machine.highest',
    'machine.highest',
  ),
  {
    name: 'no yield',
    rule: 'HM5',
    edits: [
      {
        file: `${HOST}/votes.ts`,
        find: 'mayYield(machine) && rankOf(machine, from) < rankOf(machine, machine.self)) {',
        put: 'machine.nowMs < 0) {',
      },
      {
        file: `${HOST}/votes.ts`,
        find: 'if (!isOwn || rankOf(machine, from) >= rankOf(machine, machine.self)) return',
        put: 'if (machine.nowMs >= 0 || isOwn) return',
      },
    ],
  },
  bug('who yields hosts all the same', 'HM5', 'votes', 'machine.candidacy = undefined\n  undoPromise(machine)', ''),
  {
    name: 'no abandon',
    rule: 'HM5',
    edits: [
      {
        file: `${HOST}/votes.ts`,
        find: "send(machine, EVERYONE, { type: 'Abandon', term: candidacy.term })",
        put: '',
      },
      {
        file: `${HOST}/votes.ts`,
        find: "send(machine, WITNESS, { type: 'Abandon', term: candidacy.term })",
        put: '',
      },
    ],
  },
  bug('anybody abandons', 'HM5', 'votes', 'machine.promised === term && machine.candidate === from && ', ''),
  bug(
    'a former host never stands',
    'HM5',
    'quorum',
    'return slots.includes(host) ? [...slots.filter((slot) => slot !== host), host] : slots',
    'return slots.filter((slot) => slot !== host)',
  ),
  bug(
    'no log merge',
    'HM6',
    'candidacy',
    'if (slot !== WITNESS && isBetter(tail, best.tail)) best',
    'if (slot < 0 && isBetter(tail, best.tail)) best',
  ),
  bug('the longer log is the better one', 'HM6', 'log', 'return a.term > b.term || (a.term === b.term && ', 'return ('),
  bug(
    'the lobby is not asked how far a log went',
    'HM6',
    'candidacy',
    'if (needsIt && isBetter(witnessed, best.tail)) return',
    '',
  ),
  bug(
    'votes count from the win',
    'HM6',
    'taking-over',
    'reign.acked.set(slot, started)',
    'reign.acked.set(slot, now(machine))',
  ),
  bug('votes of an earlier attempt', 'HM6', 'candidacy', ' || vote.term !== candidacy.term) return', ') return'),
  bug(
    'votes of who does not vote',
    'HM6',
    'candidacy',
    'const counts = isVoterOrWitness(machine, from)',
    'const counts = true',
  ),
  bug(
    'what is fetched comes in any order',
    'HM6',
    'follow',
    'index > candidacy.fetchedTo + 1 ||',
    'index > lengthOf(machine.log) + 1 ||',
  ),
  bug(
    'ticks begin anew',
    'HM6',
    'taking-over',
    'if (isSomeAhead(tick, machine.tick)) machine.tick = tick',
    'void tick',
  ),
  bug('a released term is not burned', 'HM7', 'election', 'reign.isBurned = true', 'reign.isBurned = false'),
  bug(
    'a host that hands over writes on',
    'HM7',
    'council',
    'return reign.releasing === undefined && !reign.isBurned',
    'return !reign.isBurned',
  ),
  bug(
    'a release of any term',
    'HM7',
    'step',
    'if (from === machine.host && term === machine.term) takeRelease',
    'if (from === machine.host) takeRelease',
  ),
  bug(
    'older terms are committed by count',
    'HM8',
    'reign',
    'entryAt(log, index)!.term !== term) return',
    'entryAt(log, index)!.term > term) return',
  ),
  bug(
    'only the new roster decides',
    'HM8',
    'log',
    'return [log.roster, ...log.pendingRosters.map((entry) => entry.body as RosterBody)]',
    'return [(log.pendingRosters.at(-1)?.body as RosterBody | undefined) ?? log.roster]',
  ),
  bug(
    'only the committed roster decides',
    'HM8',
    'log',
    'return [log.roster, ...log.pendingRosters.map((entry) => entry.body as RosterBody)]',
    'return [log.roster]',
  ),
  bug(
    'guests commit what they have not compared',
    'HM8',
    'follow',
    'Math.min(machine.hostCommit, machine.verified)',
    'Math.min(machine.hostCommit, lengthOf(machine.log))',
  ),
  bug(
    'entries on top of what remains of another log',
    'HM8',
    'follow',
    'if (entry.index > machine.verified + 1) return',
    'if (entry.index > lengthOf(machine.log) + 1) return',
  ),
  bug(
    'remains of another log are taken for the same',
    'HM8',
    'follow',
    'if (known !== undefined && known.term === entry.term) return',
    'if (known !== undefined) return',
  ),
  bug(
    'what the lobby witnessed in any term',
    'HM8',
    'reign',
    'if (ack.entryTerm !== term || ack.index',
    'if (ack.index',
  ),
  bug('no fencing', 'HM1', 'follow', 'if (term < machine.term || machine.promised > term) {', 'if (term < 0) {'),
  {
    name: 'ack after a promise',
    rule: 'HM1',
    edits: [
      {
        file: `${HOST}/follow.ts`,
        find: 'if (term < machine.term || machine.promised > term) {',
        put: 'if (term < machine.term) {',
      },
      {
        file: `${HOST}/follow.ts`,
        find: "if (machine.role === 'host' || hasPromised(machine) || machine.promised > machine.term) return",
        put: "if (machine.role === 'host') return",
      },
    ],
  },
  bug(
    'entries after a promise',
    'HM1',
    'follow',
    ' || term !== machine.term || machine.promised > term) return',
    ' || term !== machine.term) return',
  ),
  bug(
    'anybody is believed',
    'HM9',
    'follow',
    'if (!isElected && !isClaimBelieved(machine, from, term)) {',
    'if (term === 0) {',
  ),
  bug(
    'a claim is believed at once',
    'HM9',
    'follow',
    'return count >= (isChosen ? 1 : CLAIM_BEATS) && silenceMs',
    'return silenceMs',
  ),
  bug(
    'a log to begin with is always begun with',
    'HM10',
    'follow',
    'if (termAt(log, base.index) === base.entryTerm && ',
    'if (log.base < 0 && ',
  ),
  bug('a fork waits for its old host', 'HM12', 'step', 'machine.host = 0\n', ''),
  bug('any term is believed', 'HM13', 'witness-state', 'MAX_TERM_LEAP = 4_096', 'MAX_TERM_LEAP = 4_294_967_296'),
  {
    ...bug(
      'witness amnesia',
      'WI11',
      'witness-state',
      'abstainSinceMs: isFresh ? undefined : nowMs',
      'abstainSinceMs: undefined',
    ),
    tests: [`${HOST}/witness.test.ts`],
  },
  outside('requests are applied again', 'RQ', [
    ['packages/replication/src/arbiter.ts', 'if (body.request <= answered) {', 'if (body.request < 0) {'],
    ['packages/replication/src/arbiter.ts', 'if (body.request <= newest || before > newest)', 'if (before > newest)'],
    ['packages/replication/src/arbiter.ts', 'body.request <= answeredRequest(state, slot) ?', 'body.request < 0 ?'],
  ]),
  outside('state is sent without a lease', 'HM2', [['packages/core/src/lower.ts', 'return mayAct ?', 'return true ?']]),
  {
    ...outside('the dead keep what they own', 'OW7', [
      [
        'packages/replication/src/plan-departures.ts',
        'if (isOwnerGone) return decideDeparture(ownership, policy, owner, host)',
        "if (isOwnerGone) return { kind: 'keep' }",
      ],
    ]),
    tests: ['packages/replication/test/simulation/behavior.simulation.test.ts'],
  },
  outside('two rosters at once', 'HM11', [
    [`${HOST}/rosters.ts`, 'if (machine.log.pendingRosters.length > 0) return', ''],
  ]),
]
