/**
 * Control messages on their way out: small ones on the control channel, large ones on bulk.
 *
 * Invariant: they carry the term of the host this peer follows, and leave with the next flush.
 */
import { encodeControl, type ControlBody } from '@baton/schemas'
import { giveUpOn } from './peers/dismissal.ts'
import type { Link } from './peers/link.ts'
import type { LogEntry } from './host/log-entry.ts'
import type { Room } from './room.ts'
import type { SendResult } from './transport/transport.ts'

/** Queues a control message for a link. @throws RangeError when the body does not fit its schema */
export function sendControl(room: Room, link: Link, body: ControlBody, index = 0, term = room.term): SendResult {
  return queueControl(room, link, link.control, body, index, term)
}

/** Queues an entry of the log. */
export function sendEntry(room: Room, link: Link, term: number, entry: LogEntry): SendResult {
  const { index, term: entryTerm, requester, body } = entry
  const frame = encodeControl({ term, index, body, entryTerm, requester, generation: room.generation })
  return queueFrame(room, link, link.control, frame)
}

/** Queues a control message on the bulk channel, where large things delay nothing else. */
export function sendBulk(room: Room, link: Link, body: ControlBody): SendResult {
  return queueControl(room, link, link.bulk, body, 0, room.term)
}

function queueControl(
  room: Room,
  link: Link,
  outbox: Link['control'],
  body: ControlBody,
  index: number,
  term: number,
): SendResult {
  const { generation } = room
  return queueFrame(room, link, outbox, encodeControl({ term, index, generation, body }))
}

function queueFrame(room: Room, link: Link, outbox: Link['control'], frame: Uint8Array): SendResult {
  if (link.state === 'down') return 'closed'
  const result = outbox.push([frame])
  if (result === 'closed') giveUpOn(room, link, 'its control messages do not get through')
  return result
}
