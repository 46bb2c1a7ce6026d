/** A publisher whose network loses packets: what it sends again is in the stream, and only what never came is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stream, StreamLoss } from '#hub/stream.ts'
import type { SourceUnit } from '#test/support/elementary-source.ts'
import { H264, picture } from '#test/support/rtp-media.ts'
import type { Tape } from '#test/support/taped-hub.ts'
import { webRtcFixture } from '#test/support/webrtc-fixture.ts'
import type { WebRtcPublisher } from '#test/support/webrtc-publisher.ts'

/** Four seconds at 25 pictures a second, four packets each. */
const PICTURES = pictures(100, 25)
/** Behind what may be lost, so that it can be noticed. */
const LAST = pictures(10, 10)

function pictures(count: number, gop: number): SourceUnit[] {
  return Array.from({ length: count }, (_, index) => ({
    format: H264,
    dts: index * 3600,
    pts: index * 3600,
    isRandomAccess: index % gop === 0,
    payload: picture(index % gop === 0 ? 'key' : 'inter', 4000, index % 100),
  }))
}

async function playAll(peer: WebRtcPublisher): Promise<void> {
  // The beginning is not in question here.
  const { impairments } = peer
  peer.impairments = {}
  await peer.play(PICTURES.slice(0, 1))
  peer.impairments = impairments
  await peer.play(PICTURES.slice(1).map((unit) => ({ ...unit, dts: unit.dts - 3600, pts: unit.pts - 3600 })))
  peer.impairments = {}
  await peer.play(LAST)
}

/** Losses of a stream, as they are told. */
function lossesOf(stream: Stream): StreamLoss[] {
  const losses: StreamLoss[] = []
  const nothing = () => {}
  const sink = { format: nothing, accessUnit: nothing, ended: nothing, lost: (loss: StreamLoss) => losses.push(loss) }
  stream.attach(sink, { from: 'now', live: false })
  return losses
}

const packetsLost = (losses: readonly StreamLoss[]) => losses.reduce((sum, { packets }) => sum + packets, 0)
/** Of a picture without its parameter sets. */
const endOf = (payload: Uint8Array) => Buffer.from(payload.subarray(-3996)).toString('base64')
const ends = ({ units }: Tape) => units.map(({ payload }) => endOf(payload))

test('5 % loss and some disorder, repaired: every picture is in the stream, and nothing is told', async () => {
  await using fixture = await webRtcFixture({ jitterMs: 1500 })
  using publishing = await fixture.publishing('live/cam1', {
    media: ['h264'],
    impairments: { seed: 7, loss: 0.05, reordered: 0.05 },
  })
  const { peer } = publishing
  const [tape] = fixture.tapes
  assert.ok(tape !== undefined)
  const losses = lossesOf(tape.stream)
  await playAll(peer)
  await fixture.until(() => tape.units.length === PICTURES.length + LAST.length, 'all pictures came')
  assert.ok(peer.sent.lost > 10, `only ${peer.sent.lost} lost`)
  assert.ok(peer.heard.nacked >= peer.sent.lost, `${peer.heard.nacked} asked for, ${peer.sent.lost} lost`)
  assert.deepEqual(losses, [])
  assert.deepEqual(
    ends(tape),
    [...PICTURES, ...LAST].map(({ payload }) => endOf(payload)),
  )
})

test('what is not sent again is told, packet by packet, and a picture to go on from is asked for', async () => {
  await using fixture = await webRtcFixture({ jitterMs: 200 })
  using publishing = await fixture.publishing('live/cam1', {
    media: ['h264'],
    answersNack: false,
    impairments: { seed: 3, loss: 0.02 },
  })
  const { peer } = publishing
  const [source] = peer.sources
  const [tape] = fixture.tapes
  assert.ok(tape !== undefined && source !== undefined)
  const losses = lossesOf(tape.stream)
  await playAll(peer)
  const missing = peer.missing(source)
  assert.ok(missing.length > 3, `only ${missing.length} are missing`)
  await fixture.until(() => packetsLost(losses) === missing.length, 'every missing packet is told')
  // The last ten begin with a random access point and lost nothing.
  const last = LAST.map(({ payload }) => endOf(payload))
  await fixture.until(() => ends(tape).slice(-LAST.length).join() === last.join(), 'the last ones came')
  assert.ok(peer.heard.pictureLosses > 0, 'no picture was asked for')
  assert.ok(peer.heard.nacked >= missing.length, `${peer.heard.nacked} asked for`)
  // After a loss nothing comes but what can be shown.
  for (const [index, { isRandomAccess, dts }] of tape.units.entries()) {
    const before = tape.units[index - 1]
    if (before !== undefined && dts - before.dts > 5400)
      assert.ok(isRandomAccess, `picture ${index} refers to one lost`)
  }
})
