/**
 * The suite every Transport must pass, over memory as over real WebRTC. Needs vitest.
 *
 * Invariant: it asserts order and content, never a time, so that it means the same on a virtual
 * clock and on a slow machine.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { CHANNEL, MAX_DATAGRAM_BYTES, MAX_TRANSPORT_MESSAGE_BYTES, type PeerId } from '../transport/transport.ts'
import { eventsOf, messagesOn, Rig, type ContractRoom, type Member } from './contract-rig.ts'

export type { ContractRoom } from './contract-rig.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const untext = (value: Uint8Array): string => new TextDecoder().decode(value)

export interface ContractOptions {
  /** Rounds of `settle` before a wait counts as failed. Default 1,000. */
  maxRounds?: number
  /** For vitest, per test. Default 30,000. */
  timeoutMs?: number
}

/**
 * Declares the contract's tests for one kind of transport.
 *
 * @param name       what the tests are called after
 * @param createRoom an empty room whose links lose nothing reliable; asked once per test
 */
export function transportContract(
  name: string,
  createRoom: () => Promise<ContractRoom>,
  options: ContractOptions = {},
): void {
  const timeoutMs = options.timeoutMs ?? 30_000
  const open: ContractRoom[] = []

  async function createRig(): Promise<Rig> {
    const room = await createRoom()
    open.push(room)
    return new Rig(room, options.maxRounds ?? 1_000)
  }

  async function pair(): Promise<{ rig: Rig; a: Member; b: Member; toA: PeerId; toB: PeerId }> {
    const rig = await createRig()
    const [a, b] = await rig.mesh(2)
    return { rig, a: a!, b: b!, toA: a!.transport.local, toB: b!.transport.local }
  }

  describe(`Transport contract: ${name}`, { timeout: timeoutMs }, () => {
    afterEach(async () => {
      for (const room of open.splice(0)) await room.end()
    })
    it('TC1: the roster lists the members in order of joining, this one included', async () => {
      const rig = await createRig()
      const members = [await rig.join(), await rig.join(), await rig.join()]
      const ids = members.map((member) => member.transport.local)
      expect(new Set(ids).size).toBe(3)
      await rig.until('all know of three', () =>
        members.every((member) => eventsOf(member, 'roster').at(-1)?.members.length === 3),
      )
      for (const member of members) expect(eventsOf(member, 'roster').at(-1)!.members).toEqual(ids)
      expect(eventsOf(members[0]!, 'roster')[0]!.members[0]).toBe(ids[0])
    })

    it('TC2: a link says connected once at each end, before its first message', async () => {
      const { rig, a, b, toA, toB } = await pair()
      a.transport.send(toB, CHANNEL.control, text('first'))
      b.transport.send(toA, CHANNEL.control, text('first'))
      await rig.until('both heard', () => [a, b].every((member) => messagesOn(member, CHANNEL.control).length === 1))
      for (const member of [a, b]) {
        const kinds = member.events.map((event) => event.kind).filter((kind) => kind !== 'roster')
        expect(kinds).toEqual(['connected', 'message'])
      }
    })

    it('TC3: reliable messages arrive once, in order and complete, on each channel', async () => {
      const { rig, a, b, toB } = await pair()
      const sent = Array.from({ length: 200 }, (_, index) => `message ${index} ${'x'.repeat((index * 37) % 900)}`)
      for (const message of sent) {
        expect(a.transport.send(toB, CHANNEL.control, text(message))).toBe('sent')
        expect(a.transport.send(toB, CHANNEL.bulk, text(message))).toBe('sent')
      }
      await rig.until('all arrived', () =>
        [CHANNEL.control, CHANNEL.bulk].every((channel) => messagesOn(b, channel).length >= sent.length),
      )
      await rig.rounds(5)
      for (const channel of [CHANNEL.control, CHANNEL.bulk]) {
        expect(messagesOn(b, channel).map((message) => untext(message.data))).toEqual(sent)
      }
    })

    it('TC4: unreliable messages arrive at most once each, unaltered', async () => {
      const { rig, a, b, toB } = await pair()
      for (let index = 0; index < 50; index++) {
        expect(a.transport.send(toB, CHANNEL.state, text(`datagram ${index}`))).toMatch(/^(sent|dropped)$/)
        await rig.rounds(1)
      }
      await rig.until('some arrived', () => messagesOn(b, CHANNEL.state).length > 0)
      await rig.rounds(10)
      const got = messagesOn(b, CHANNEL.state).map((message) => untext(message.data))
      expect(new Set(got).size).toBe(got.length)
      for (const message of got) expect(message).toMatch(/^datagram \d+$/)
    })

    it('TC5: an empty message arrives as an empty message', async () => {
      const { rig, a, b, toB } = await pair()
      a.transport.send(toB, CHANNEL.control, new Uint8Array(0))
      await rig.until('it came', () => messagesOn(b, CHANNEL.control).length === 1)
      expect(messagesOn(b, CHANNEL.control)[0]!.data.length).toBe(0)
      await rig.until('an unreliable one came', () => {
        a.transport.send(toB, CHANNEL.state, new Uint8Array(0))
        return messagesOn(b, CHANNEL.state).length > 0
      })
      expect(messagesOn(b, CHANNEL.state)[0]!.data.length).toBe(0)
    })

    it('TC6: the largest message arrives; one byte more throws before anything leaves', async () => {
      const { rig, a, b, toB } = await pair()
      const largest = new Uint8Array(MAX_TRANSPORT_MESSAGE_BYTES).map((_, index) => index * 7)
      for (const channel of [CHANNEL.control, CHANNEL.bulk]) {
        expect(() => a.transport.send(toB, channel, new Uint8Array(MAX_TRANSPORT_MESSAGE_BYTES + 1))).toThrow(/limit/)
        a.transport.send(toB, channel, largest)
      }
      expect(() => a.transport.send(toB, CHANNEL.state, new Uint8Array(MAX_DATAGRAM_BYTES + 1))).toThrow(/limit/)
      await rig.until('the largest came', () => {
        a.transport.send(toB, CHANNEL.state, largest.subarray(0, MAX_DATAGRAM_BYTES))
        return [0, 1, 2].every((channel) => messagesOn(b, channel).length > 0)
      })
      for (const channel of [CHANNEL.control, CHANNEL.bulk]) {
        expect(messagesOn(b, channel).map((message) => message.data.length)).toEqual([MAX_TRANSPORT_MESSAGE_BYTES])
        expect(messagesOn(b, channel)[0]!.data.every((byte, index) => byte === largest[index])).toBe(true)
      }
      expect(messagesOn(b, CHANNEL.state)[0]!.data.length).toBe(MAX_DATAGRAM_BYTES)
    })

    it('TC7: data is copied by send, and belongs to whoever polls', async () => {
      const { rig, a, b, toB } = await pair()
      const bytes = text('before')
      a.transport.send(toB, CHANNEL.control, bytes)
      bytes.fill(0)
      await rig.until('it came', () => messagesOn(b, CHANNEL.control).length === 1)
      const received = messagesOn(b, CHANNEL.control)[0]!.data
      expect(untext(received)).toBe('before')
      a.transport.send(toB, CHANNEL.control, text('AFTER!'))
      await rig.until('the next came', () => messagesOn(b, CHANNEL.control).length === 2)
      expect(untext(received)).toBe('before')
    })

    it('TC8: send answers closed for a stranger and for a channel that is not open', async () => {
      const { rig, a, b, toB } = await pair()
      expect(a.transport.send('nobody', CHANNEL.control, text('x'))).toBe('closed')
      expect(a.transport.send(toB, CHANNEL.firstUser, text('x'))).toBe('closed')
      expect(a.transport.bufferedBytes('nobody', CHANNEL.control)).toBe(0)
      expect(a.transport.bufferedBytes(toB, CHANNEL.firstUser)).toBe(0)
      expect(a.transport.stats('nobody')).toBeUndefined()
      await rig.rounds(5)
      expect(eventsOf(b, 'message')).toEqual([])
    })

    it('TC9: a numbered channel carries messages where both ends opened the same kind', async () => {
      const { rig, a, b, toA, toB } = await pair()
      for (const [channel, reliable] of [
        [CHANNEL.firstUser, true],
        [CHANNEL.lastUser, false],
      ] as const) {
        a.transport.openChannel(toB, channel, { reliable })
        b.transport.openChannel(toA, channel, { reliable })
        await rig.until(`channel ${channel} carries both ways`, () => {
          a.transport.send(toB, channel, text('a'))
          b.transport.send(toA, channel, text('b'))
          return messagesOn(a, channel).length > 0 && messagesOn(b, channel).length > 0
        })
      }
      expect(new Set(messagesOn(b, CHANNEL.firstUser).map((message) => untext(message.data)))).toEqual(new Set(['a']))
    })

    it('TC10: what arrives on a channel that is not open here, or is of another kind, is not delivered', async () => {
      const { rig, a, b, toA, toB } = await pair()
      a.transport.openChannel(toB, 20, { reliable: true })
      a.transport.openChannel(toB, 21, { reliable: true })
      b.transport.openChannel(toA, 21, { reliable: false })
      await rig.rounds(5)
      for (const channel of [20, 21]) a.transport.send(toB, channel, text('lost'))
      b.transport.send(toA, 21, text('lost'))
      await rig.rounds(20)
      // Something that does arrive, sent later on the same link, shows that the others are not just slow.
      a.transport.send(toB, CHANNEL.control, text('arrives'))
      await rig.until('the control message came', () => messagesOn(b, CHANNEL.control).length === 1)
      await rig.rounds(5)
      expect([...eventsOf(a, 'message'), ...eventsOf(b, 'message')].map((event) => event.channel)).toEqual([
        CHANNEL.control,
      ])
    })

    it('TC11: closing a channel ends it on this side, twice does nothing, and the link stays', async () => {
      const { rig, a, b, toA, toB } = await pair()
      a.transport.openChannel(toB, 16, { reliable: true })
      b.transport.openChannel(toA, 16, { reliable: true })
      await rig.until('it carries', () => {
        a.transport.send(toB, 16, text('x'))
        return messagesOn(b, 16).length > 0
      })
      a.transport.closeChannel(toB, 16)
      a.transport.closeChannel(toB, 16)
      a.transport.closeChannel(toB, 99)
      expect(a.transport.send(toB, 16, text('x'))).toBe('closed')
      a.transport.send(toB, CHANNEL.control, text('still here'))
      await rig.until('control still carries', () => messagesOn(b, CHANNEL.control).length === 1)
      expect([...eventsOf(a, 'disconnected'), ...eventsOf(b, 'disconnected')]).toEqual([])
    })

    it('TC12: disconnect is closed here and left there, once each, and idempotent', async () => {
      const { rig, a, b, toA, toB } = await pair()
      a.transport.disconnect(toB)
      a.transport.disconnect(toB)
      await rig.until('both ends saw it', () => [a, b].every((member) => eventsOf(member, 'disconnected').length > 0))
      a.transport.disconnect(toB)
      await rig.rounds(10)
      expect(eventsOf(a, 'disconnected')).toEqual([{ kind: 'disconnected', peer: toB, reason: 'closed' }])
      expect(eventsOf(b, 'disconnected')).toEqual([{ kind: 'disconnected', peer: toA, reason: 'left' }])
      expect(a.transport.send(toB, CHANNEL.control, text('x'))).toBe('closed')
      expect(b.transport.send(toA, CHANNEL.control, text('x'))).toBe('closed')
    })

    it('TC13: what was sent reliably on control before a goodbye comes before the end', async () => {
      const { rig, a, b, toB } = await pair()
      a.transport.send(toB, CHANNEL.control, text('last words'))
      await rig.rounds(3)
      a.transport.disconnect(toB)
      await rig.until('b saw the end', () => eventsOf(b, 'disconnected').length === 1)
      expect(messagesOn(b, CHANNEL.control).map((message) => untext(message.data))).toEqual(['last words'])
      const order = b.events.map((event) => event.kind)
      expect(order.indexOf('message')).toBeLessThan(order.indexOf('disconnected'))
    })

    it('TC14: close leaves the room: goodbye to all, a roster without it, closed ever after, twice is once', async () => {
      const rig = await createRig()
      const [a, b, c] = await rig.mesh(3)
      const gone = a!.transport.local
      a!.transport.close()
      a!.transport.close()
      await rig.until('the others saw it', () =>
        [b!, c!].every(
          (member) =>
            eventsOf(member, 'disconnected').length === 1 && eventsOf(member, 'roster').at(-1)!.members.length === 2,
        ),
      )
      for (const member of [b!, c!]) {
        expect(eventsOf(member, 'disconnected')).toEqual([{ kind: 'disconnected', peer: gone, reason: 'left' }])
        expect(eventsOf(member, 'roster').at(-1)!.members).toEqual([b!.transport.local, c!.transport.local])
      }
      expect(a!.transport.send(b!.transport.local, CHANNEL.control, text('x'))).toBe('closed')
      const messages = messagesOn(a!, CHANNEL.control).length
      b!.transport.send(gone, CHANNEL.control, text('x'))
      await rig.rounds(5)
      expect(messagesOn(a!, CHANNEL.control).length).toBe(messages)
      expect(b!.transport.send(c!.transport.local, CHANNEL.control, text('x'))).toBe('sent')
    })

    it('TC15: nothing is handed over outside of poll, and each event once', async () => {
      const { rig, a, b, toB } = await pair()
      for (const number of [1, 2, 3]) a.transport.send(toB, CHANNEL.control, text(String(number)))
      const before = b.events.length
      for (let round = 0; round < 30; round++) {
        a.transport.poll(rig.room.nowMs(), (event) => a.events.push(event))
        await rig.room.settle()
      }
      expect(b.events.length).toBe(before)
      await rig.until('all three came', () => messagesOn(b, CHANNEL.control).length === 3)
      expect(messagesOn(b, CHANNEL.control).map((message) => untext(message.data))).toEqual(['1', '2', '3'])
      await rig.rounds(3)
      expect(messagesOn(b, CHANNEL.control).length).toBe(3)
    })

    it('TC16: stats count what goes over a link', async () => {
      const { rig, a, b, toA, toB } = await pair()
      for (let index = 0; index < 10; index++) a.transport.send(toB, CHANNEL.control, new Uint8Array(100))
      await rig.until('all came', () => messagesOn(b, CHANNEL.control).length === 10)
      const here = a.transport.stats(toB)!
      const there = b.transport.stats(toA)!
      expect(here.bytesSent).toBeGreaterThanOrEqual(1_000)
      expect(here.packetsSent).toBeGreaterThan(0)
      expect(there.bytesReceived).toBeGreaterThanOrEqual(1_000)
      expect(there.packetsReceived).toBeGreaterThan(0)
    })
  })
}
