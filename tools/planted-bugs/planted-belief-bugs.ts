/**
 * Bugs in whom to believe: deposed hosts, new ones, terms that were made up, hosts that nobody here knows.
 *
 * Invariant: in the order of their rules.
 */
import { bug, HOST, type PlantedBug } from './planted-bug.ts'

export const BELIEF_BUGS: readonly PlantedBug[] = [
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
  bug('who was voted for must be in a roster', 'HM9', 'follow', 'if ((!mayHost && !isChosen) || ', 'if (!mayHost || '),
  bug('any term is believed', 'HM13', 'witness-state', 'MAX_TERM_LEAP = 4_096', 'MAX_TERM_LEAP = 4_294_967_296'),
  bug(
    'a host that no roster names is not asked',
    'HM18',
    'follow',
    'if (isStranger && silenceMs(machine) >= LONG_SILENCE_MS) machine.strangers = { slot: from, term }',
    '',
  ),
  bug(
    'a host that no roster names is asked at once',
    'HM18',
    'follow',
    'if (isStranger && silenceMs(machine) >= LONG_SILENCE_MS) machine.strangers',
    'if (isStranger) machine.strangers',
  ),
]
