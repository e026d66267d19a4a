/**
 * JSON: `JSON.stringify` of changed rows, as UTF-8.
 *
 * Invariant: text and bytes are converted by the runtime's own encoder and decoder.
 */
import type { Contender } from './contender.ts'
import { createRowsReceiver, createRowsSender, type RowsMessage } from './row-objects.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const json: Contender = {
  name: 'JSON',
  version: process.version,
  usage: 'stringify of changed rows, rounded to 1 mm and 0.0001',
  precision: 'decimal',
  sends: 'changed rows',
  finds: 'is told',
  encodes: 'once for all',
  loss: 'needs a reliable channel',
  createSender: (workload) => createRowsSender(workload, (message) => encoder.encode(JSON.stringify(message))),
  createReceiver: (workload) =>
    createRowsReceiver(workload, (packet) => JSON.parse(decoder.decode(packet)) as RowsMessage),
}
