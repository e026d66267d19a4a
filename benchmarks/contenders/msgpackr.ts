/**
 * msgpackr: MessagePack with records (the shape of a row is written once per message) and 32-bit floats.
 *
 * Invariant: each message can be read alone; no structure is shared beforehand.
 */
import { FLOAT32_OPTIONS, Packr } from 'msgpackr'
import type { Contender } from './contender.ts'
import { packageVersion } from './package-version.ts'
import { createRowsReceiver, createRowsSender, type RowsMessage } from './row-objects.ts'

const OPTIONS = { useFloat32: FLOAT32_OPTIONS.ALWAYS }

export const msgpackr: Contender = {
  name: 'msgpackr',
  version: packageVersion('msgpackr'),
  usage: 'records, useFloat32: ALWAYS; changed rows',
  precision: 'float 32',
  sends: 'changed rows',
  finds: 'is told',
  encodes: 'once for all',
  loss: 'needs a reliable channel',
  createSender(workload) {
    const packr = new Packr(OPTIONS)
    return createRowsSender(workload, (message) => packr.pack(message))
  },
  createReceiver(workload) {
    const packr = new Packr(OPTIONS)
    return createRowsReceiver(workload, (packet) => packr.unpack(packet) as RowsMessage)
  },
}
