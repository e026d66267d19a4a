/**
 * Protocol Buffers by protobufjs: a message of repeated rows with float fields, encoded by the code that
 * the library generates from the schema.
 *
 * Invariant: ids of entities that went are packed varints.
 */
import protobuf from 'protobufjs'
import type { Contender } from './contender.ts'
import { packageVersion } from './package-version.ts'
import { createRowsReceiver, createRowsSender, type RowsMessage } from './row-objects.ts'

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Row {
    uint32 id = 1;
    float x = 2; float y = 3; float z = 4;
    float qx = 5; float qy = 6; float qz = 7; float qw = 8;
  }
  message Rows { repeated Row rows = 1; repeated uint32 gone = 2; }
`)
const Rows = root.lookupType('Rows')

export const protobufRows: Contender = {
  name: 'protobuf (protobufjs)',
  version: packageVersion('protobufjs'),
  usage: 'repeated rows of floats; changed rows',
  precision: 'float 32',
  sends: 'changed rows',
  finds: 'is told',
  encodes: 'once for all',
  loss: 'needs a reliable channel',
  createSender: (workload) => createRowsSender(workload, (message) => Rows.encode(message).finish()),
  createReceiver: (workload) => createRowsReceiver(workload, (packet) => Rows.decode(packet) as unknown as RowsMessage),
}
