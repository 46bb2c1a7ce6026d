import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinLengthPrefixed } from '#media/nal/length-prefixed.ts'
import { H264 } from '#test/support/rtp-media.ts'
import { h264Payload } from './h264.ts'

const SPS = Uint8Array.of(0x67, 1, 2, 3)
const PPS = Uint8Array.of(0x68, 4)
const SLICE = Uint8Array.of(0x65, 0x88, 5, 6)

function packetsOf(units: readonly Uint8Array[], maxPayloadBytes: number) {
  const packets: { payload: string; marker: boolean }[] = []
  const packetizer = h264Payload.packetizer(H264)
  packetizer.packetize(joinLengthPrefixed(units), maxPayloadBytes, (payload, marker) => {
    packets.push({ payload: Buffer.from(payload).toString('hex'), marker })
  })
  return packets
}

test('parameter sets share a packet (RFC 6184 §5.7.1), slices do not', () => {
  assert.deepEqual(packetsOf([SPS, PPS, SLICE, SLICE], 100), [
    { payload: '7800046701020300026804', marker: false },
    { payload: '65880506', marker: false },
    { payload: '65880506', marker: true },
  ])
  assert.deepEqual(packetsOf([SPS, SLICE], 100)[0], { payload: '67010203', marker: false })
  assert.deepEqual(packetsOf([SLICE, SPS, PPS], 100)[1], { payload: '7800046701020300026804', marker: true })
})

test('what does not fit one packet is not put into one', () => {
  assert.deepEqual(
    packetsOf([SPS, PPS, SLICE], 10).map(({ payload }) => payload),
    ['67010203', '6804', '65880506'],
  )
})
