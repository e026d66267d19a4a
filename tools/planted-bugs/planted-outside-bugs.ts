/**
 * Bugs around the machine: in the lobby's vote, the arbiter, what is sent, who is in.
 *
 * Invariant: each names the tests that can see it, or is for the simulator alone.
 */
import { bug, HOST, outside, type PlantedBug } from './planted-bug.ts'

export const OUTSIDE_BUGS: readonly PlantedBug[] = [
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
