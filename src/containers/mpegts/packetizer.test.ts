import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slabs } from '../slabs.ts'
import { NULL_PID, PACKET_BYTES, payloadOffsetAt, pidAt, startsUnitAt } from './packet.ts'
import { Packetizer } from './packetizer.ts'
import { readPesHeader, unwrapTicks, wrapTicks } from './pes.ts'
import { Segments } from './segments.ts'

const PATTERN = Uint8Array.from({ length: 66_000 }, (_, i) => i % 251)

/** Packets of one access unit of `bytes`, as one byte string. */
function packets(bytes: number, pcr: number | undefined, dts = 5): Uint8Array {
  const slabs = new Slabs()
  const elementaryStream = new Segments()
  elementaryStream.add(PATTERN, 0, bytes)
  const times = { pts: 10, dts, pcr, isRandomAccess: pcr !== undefined, isDiscontinuity: false }
  new Packetizer(slabs, new Map()).pes({ pid: 0x100, streamId: 0xe0, ...times }, elementaryStream)
  return Buffer.concat(slabs.take())
}

/** The PES packet in them, and for each whether the packet has an adaptation field. */
function reassemble(bytes: Uint8Array) {
  const payloads: Uint8Array[] = []
  const adapted: boolean[] = []
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    assert.equal(startsUnitAt(bytes, at), at === 0)
    const offset = payloadOffsetAt(bytes, at)
    payloads.push(bytes.subarray(at + offset, at + PACKET_BYTES))
    adapted.push(offset > 4)
  }
  return { pes: Buffer.concat(payloads), adapted }
}

for (const { name, from, pcr, dts } of [
  { name: 'small, no PCR', from: 1, pcr: undefined, dts: 10 },
  { name: 'small, PCR and DTS', from: 1, pcr: 3, dts: 5 },
  { name: 'longer than the length field, PCR', from: 65_600, pcr: 3, dts: 10 },
  { name: 'longer than the length field, no PCR', from: 65_600, pcr: undefined, dts: 5 },
]) {
  test(`packetizer: every size modulo a packet comes back whole: ${name}`, () => {
    for (let bytes = from; bytes < from + 190; bytes++) {
      const { pes, adapted } = reassemble(packets(bytes, pcr, dts))
      const header = readPesHeader(pes)
      assert.ok(header !== undefined)
      assert.equal(pes.length - header.headerBytes, bytes)
      assert.equal(header.payloadBytes, bytes > 65_535 ? undefined : bytes)
      assert.deepEqual([header.pts, header.dts], [10, dts])
      assert.equal(Buffer.compare(pes.subarray(header.headerBytes), PATTERN.subarray(0, bytes)), 0)
      assert.ok(
        adapted.slice(1, -1).every((isAdapted) => !isAdapted),
        'none between first and last',
      )
      if (header.payloadBytes === undefined) assert.equal(adapted.at(-1), true, 'the last tells that it is')
    }
  })
}

test('packetizer: sections, PCR-only and null packets', () => {
  const slabs = new Slabs()
  const packetizer = new Packetizer(slabs, new Map([[0x1000, 15]]))
  packetizer.section(0x1000, new Uint8Array(200).fill(7))
  packetizer.pcrOnly(0x100, 2 ** 33 + 1)
  packetizer.nullPacket(new Uint8Array(184).fill(9))
  const bytes = Buffer.concat(slabs.take())
  assert.deepEqual([...bytes.subarray(0, 6)], [0x47, 0x50, 0x00, 0x10, 0, 7], 'continuity goes from 15 to 0')
  assert.deepEqual([...bytes.subarray(188, 192)], [0x47, 0x10, 0x00, 0x11])
  assert.equal(bytes[188 + 4 + 16], 7)
  assert.equal(bytes[188 + 4 + 17], 0xff)
  assert.deepEqual([...bytes.subarray(376, 389)], [0x47, 1, 0, 0x2f, 183, 0x10, 0, 0, 0, 0, 0xfe, 0, 0xff])
  assert.equal(pidAt(bytes, 564), NULL_PID)
})

test('timestamps wrap and unwrap on every side of 33 bits', () => {
  const wrap = 2 ** 33
  for (const ticks of [-1, 0, 1, wrap - 1, wrap, wrap + 1, 3 * wrap + 90_000]) {
    assert.ok(wrapTicks(ticks) >= 0 && wrapTicks(ticks) < wrap)
    for (const near of [ticks - 90_000_000, ticks, ticks + 90_000_000]) {
      assert.equal(unwrapTicks(wrapTicks(ticks), near), ticks)
    }
  }
})
