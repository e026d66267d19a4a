import { SENT_WINDOW_SIZE } from '@baton/core'
import { SeededRandom } from '@baton/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_ROWS_IN_FLIGHT, SentPackets } from './sent-packets.ts'

type Report = [component: number, index: number, stamp: number, tick: number, isAcked: boolean]

function recorder(firstSequence = 0): { sent: SentPackets; reports: Report[] } {
  const reports: Report[] = []
  return { sent: new SentPackets((...report) => reports.push(report), firstSequence), reports }
}

describe('SentPackets', () => {
  test('AK3: reports each packet’s rows once, acked or lost, whatever acks come', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom(0, 65_500, 65_535), (seed, firstSequence) => {
        const random = new SeededRandom(seed)
        const { sent, reports } = recorder(firstSequence)
        const rowsOf = new Map<number, Report[]>()
        const settled = new Set<number>()
        for (let packet = 0; packet < 600; packet += 1) {
          const tick = (0xffff_fff0 + packet) >>> 0
          const sequence = sent.begin(tick)
          if (sequence !== ((firstSequence + packet) & 0xffff)) expect(sequence).toBe(packet)
          const rows: Report[] = []
          for (let row = random.integer(0, 20); row > 0; row -= 1) {
            const report: Report = [random.integer(0, 255), random.integer(0, 2 ** 24 - 1), random.uint32(), tick, true]
            sent.add(report[0], report[1], report[2])
            rows.push(report)
          }
          rowsOf.set(packet, rows)
          const isDropped = random.chance(0.05)
          reports.length = 0
          if (isDropped) {
            sent.drop()
            expect(reports).toEqual(rows.map((row) => [...row.slice(0, 4), false]))
            settled.add(packet)
          }
          reports.length = 0
          const acked = packet - random.integer(0, 40)
          if (acked < 0 || random.chance(0.3)) continue
          const bits = random.uint32()
          sent.acknowledge((firstSequence + acked) & 0xffff, bits)
          const expected: Report[] = []
          for (let back = 32; back >= 0; back -= 1) {
            const told = acked - back
            if (told < 0 || settled.has(told) || (back > 0 && (bits & (1 << (back - 1))) === 0)) continue
            settled.add(told)
            expected.push(...rowsOf.get(told)!)
          }
          for (let lost = Math.max(0, acked - 300); lost < acked - 32; lost += 1) {
            if (settled.has(lost)) continue
            settled.add(lost)
            expected.push(...rowsOf.get(lost)!.map((row): Report => [row[0], row[1], row[2], row[3], false]))
          }
          if (JSON.stringify(reports) !== JSON.stringify(expected)) expect(reports).toEqual(expected)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('AK3: with 256 packets in flight the oldest is lost', () => {
    const { sent, reports } = recorder()
    for (let packet = 0; packet <= SENT_WINDOW_SIZE; packet += 1) {
      sent.begin(packet)
      sent.add(1, packet, packet)
    }
    expect(reports).toEqual([[1, 0, 0, 0, false]])
  })

  test('AK3: rows in flight are bounded; the oldest packet is lost for new ones', () => {
    const { sent, reports } = recorder()
    const perPacket = 2_048
    const packets = MAX_ROWS_IN_FLIGHT / perPacket + 3
    for (let packet = 0; packet < packets; packet += 1) {
      sent.begin(packet)
      for (let row = 0; row < perPacket; row += 1) sent.add(3, row, packet)
    }
    expect(reports.length).toBe(3 * perPacket)
    expect(reports.every(([, , stamp, , isAcked]) => stamp < 3 && !isAcked)).toBe(true)
    reports.length = 0
    sent.acknowledge(packets - 1, 0xffffffff)
    // Of the rest, the newest 33 are acked and those before are lost.
    expect(reports.filter(([, , , , isAcked]) => isAcked).length).toBe(33 * perPacket)
    expect(reports.length).toBe((packets - 3) * perPacket)
  })

  test('AK4: nothing is told of packets that were forgotten', () => {
    const { sent, reports } = recorder()
    sent.begin(1)
    sent.add(1, 1, 1)
    sent.clear()
    sent.begin(2)
    sent.add(2, 2, 2)
    sent.acknowledge(1, 1)
    expect(reports).toEqual([[2, 2, 2, 2, true]])
  })
})
