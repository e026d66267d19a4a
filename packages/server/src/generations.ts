/**
 * The lobby's word that a session may go on without members that are gone.
 *
 * Place in the house: pure, under `lobby.ts`.
 * Invariant: it counts only what the lobby saw itself, who is here and who went when; and each generation of
 * a room's session ends once.
 */
import { forkWitness } from '@baton/core/host'
import type { LobbyBody } from '@baton/schemas/lobby'
import { ID_MAX_CHARACTERS } from './limits.ts'
import type { LobbyLimits } from './limits.ts'
import { refuse } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import type { Member } from './rooms.ts'

/** As core admits to a session. */
const MAX_SESSION_MEMBERS = 96
const MAX_GENERATION = 0xffff

export interface Fork {
  readonly generation: number
  /** Those who are here, in the order asked for. */
  readonly members: readonly Member[]
}

/**
 * Begins a new generation of the room's session with those who are left of it, if it is theirs to begin.
 * @returns `undefined` where it is not: somebody has not been gone for long enough, or it has begun already
 */
export function takeGenerationRequest(
  from: Member,
  { generation, members, voters }: Extract<LobbyBody, { type: 'GenerationRequest' }>,
  limits: LobbyLimits,
  nowMs: number,
): Fork | Refusal | undefined {
  if (members.length > MAX_SESSION_MEMBERS) return refuse.generation(members.length, MAX_SESSION_MEMBERS)
  if (members.some((id) => id.length > ID_MAX_CHARACTERS)) return refuse.signal('an id of members is too long')
  const { witness, gone, members: present } = from.room
  // Whoever asks late has been told by now.
  if (generation !== witness.generation || generation >= MAX_GENERATION) return undefined
  const ids = [...new Set(members)]
  if (voters > ids.length) return undefined
  const here: Member[] = []
  for (const id of ids) {
    const member = present.get(id)
    const goneMs = gone.get(id)
    if (member !== undefined) here.push(member)
    // Nor without somebody whom the lobby has never seen: it cannot know that he is gone.
    else if (goneMs === undefined || nowMs - goneMs < limits.goneForForkMs) return undefined
  }
  if (!here.includes(from)) return undefined
  // Those who are here could still decide with each other. With one half gone nobody else can.
  const voting = here.filter(({ id }) => ids.indexOf(id) < voters)
  if (voting.length * 2 > voters) return undefined
  forkWitness(witness, generation + 1)
  return { generation: generation + 1, members: here }
}
