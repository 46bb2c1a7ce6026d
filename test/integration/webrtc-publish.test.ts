/** Publishers over WebRTC by script: what of an offer is taken, and that what is sent arrives in the hub. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { StreamPathInUseError } from '#hub/hub.ts'
import type { WebRtcSession } from '#hub/webrtc.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { H264, picture } from '#test/support/rtp-media.ts'
import type { Tape } from '#test/support/taped-hub.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { webRtcFixture } from '#test/support/webrtc-fixture.ts'
import type { OfferedCodec } from '#test/support/webrtc-sdp.ts'

const PICTURES: readonly SourceUnit[] = Array.from({ length: 20 }, (_, index) => ({
  format: H264,
  dts: index * 1800,
  pts: index * 1800,
  isRandomAccess: index % 10 === 0,
  payload: picture(index % 10 === 0 ? 'key' : 'inter', 2500, index),
}))

let folder: TempFolder
let sound: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  sound = await makeSource(folder, { audio: 'opus', seconds: 1 })
})
after(() => folder[Symbol.asyncDispose]())

const hex = (payload: Uint8Array) => Buffer.from(payload).toString('hex')
const trackOf = ({ units }: Tape, trackId: number) => units.filter(({ format }) => format.trackId === trackId)

test('every access unit arrives as it was sent, at its time; the stream says who publishes', async () => {
  await using fixture = await webRtcFixture()
  const states: WebRtcSession['state'][] = []
  using publishing = await fixture.connecting('/live/cam1/', {}, { app: 'live' })
  const { peer, session } = publishing
  session.stateChanged.listen(({ state }) => states.push(state))
  assert.equal(fixture.hub.size, 0, 'an offer alone holds no path')
  await peer.connected()
  // What comes before the server has its keys is lost, and a publisher by script sends nothing again.
  await fixture.until(() => session.state !== 'connecting', 'the server is connected')
  await peer.play([...PICTURES, ...sound.units].toSorted((a, b) => seconds(a) - seconds(b)))
  const [tape] = fixture.tapes
  assert.ok(tape !== undefined)
  await fixture.until(() => tape.units.length === PICTURES.length + sound.units.length, 'everything came')
  const pictures = trackOf(tape, 1)
  // Parameter sets go in front of what can be begun with, as with browsers.
  for (const [index, { payload }] of PICTURES.entries()) {
    assert.ok(hex(pictures[index]?.payload ?? payload).endsWith(hex(payload)), `picture ${index}`)
  }
  const offsets = pictures.map(({ dts }) => dts - (pictures[0]?.dts ?? 0))
  assert.deepEqual(
    offsets,
    PICTURES.map(({ dts }) => dts),
  )
  assert.deepEqual(
    trackOf(tape, 2).map(({ payload }) => hex(payload)),
    sound.units.map(({ payload }) => hex(payload)),
  )
  const { path, publisher } = tape.stream
  assert.deepEqual(
    [path, publisher.protocol, publisher.encoder, publisher.query, publisher.app, publisher.remoteAddress],
    ['live/cam1', 'webrtc', 'a test/1.0', { camera: '1' }, 'live', '127.0.0.1'],
  )
  assert.notEqual(publisher.connectionId, session.id, 'who sees a stream can not end its session')
  session.close({ cause: 'unpublished', message: 'enough' })
  session.close({ cause: 'lost', message: 'too late' })
  assert.deepEqual(tape.stream.end, { cause: 'unpublished', message: 'enough' })
  assert.deepEqual(states, ['connected', 'flowing', 'ended'])
  assert.equal(session.ended?.reason, 'closed')
  assert.equal(fixture.server.session(session.id), undefined)
})

const seconds = ({ dts, format }: SourceUnit) => dts / format.timescale

test('without a=ssrc lines packets find their media by MID', async () => {
  await using fixture = await webRtcFixture()
  using publishing = await fixture.publishing('live/nameless', { ssrcLines: false })
  await publishing.peer.play(
    [...PICTURES, ...sound.units].toSorted((a, b) => seconds(a) - seconds(b)),
    { speed: 2 },
  )
  const [tape] = fixture.tapes
  assert.ok(tape !== undefined)
  await fixture.until(() => trackOf(tape, 1).length === PICTURES.length, 'all pictures')
  await fixture.until(() => trackOf(tape, 2).length === sound.units.length, 'all of the sound')
})

for (const [video, audio] of [
  ['vp8', 'opus'],
  ['vp9', 'pcmu'],
  ['av1', 'pcma'],
  ['h265', 'g722'],
] as const) {
  test(`${video} and ${audio} arrive as they were sent`, async () => {
    await using fixture = await webRtcFixture()
    const pictures = await makeSource(folder, { video, seconds: 1, encoding: video === 'h265' ? ['-bf', '0'] : [] })
    const voice = await makeSource(folder, { audio, seconds: 1 })
    using publishing = await fixture.publishing('live/codecs', { media: [video, audio] })
    await publishing.peer.play([...pictures.units, ...voice.units].toSorted((a, b) => seconds(a) - seconds(b)))
    const [tape] = fixture.tapes
    assert.ok(tape !== undefined)
    // Sound of plain samples may come in other pieces than it was sent in.
    const bytes = (units: readonly { payload: Uint8Array }[]) =>
      units.reduce((sum, { payload }) => sum + payload.length, 0)
    await fixture.until(() => trackOf(tape, 1).length === pictures.units.length, 'all pictures')
    await fixture.until(() => bytes(trackOf(tape, 2)) === bytes(voice.units), 'all of the sound')
    assert.deepEqual(
      [1, 2].map((trackId) => tape.stream.formats.get(trackId)?.codec),
      [video, audio],
    )
  })
}

test('sound alone begins, pictures join later, and stop and go on: one stream', async () => {
  await using fixture = await webRtcFixture()
  using publishing = await fixture.publishing('live/later')
  const { peer } = publishing
  await peer.play(sound.units)
  const [tape] = fixture.tapes
  assert.ok(tape !== undefined)
  await fixture.until(() => trackOf(tape, 2).length > 40, 'sound')
  assert.deepEqual([...tape.stream.formats.keys()], [2])
  await peer.play(PICTURES)
  await peer.play(sound.units)
  await peer.play(PICTURES)
  await fixture.until(() => trackOf(tape, 1).length === 2 * PICTURES.length, 'pictures')
  assert.equal(fixture.tapes.length, 1)
  assert.equal(tape.stream.lostPackets, 0)
  const first = trackOf(tape, 1)[0]
  const begun = (first?.dts ?? 0) / 90_000 - (trackOf(tape, 2)[0]?.dts ?? 0) / 48_000
  assert.ok(Math.abs(begun - 1) < 0.2, `the pictures begin ${begun} s after the sound`)
})

interface Choice {
  readonly name: string
  readonly offered: readonly (OfferedCodec | readonly OfferedCodec[])[]
  readonly wanted?: Parameters<typeof webRtcFixture>[0]
  readonly taken: readonly (OfferedCodec | undefined)[]
}

const CHOICES: readonly Choice[] = [
  { name: 'H.264 before VP8', offered: [['vp8', 'vp9', 'h264'], 'opus'], taken: ['h264', 'opus'] },
  {
    name: 'what is configured first',
    offered: [
      ['h264', 'vp9', 'vp8'],
      ['opus', 'pcma'],
    ],
    wanted: { videoCodecs: ['vp9', 'h264'], audioCodecs: ['pcma'] },
    taken: ['vp9', 'pcma'],
  },
  {
    name: 'only what is configured',
    offered: ['vp8', 'opus'],
    wanted: { videoCodecs: ['h264'] },
    taken: [undefined, 'opus'],
  },
  { name: 'every medium there is', offered: ['opus', 'h264', 'h264'], taken: ['opus', 'h264', 'h264'] },
]

for (const { name, offered, wanted, taken } of CHOICES) {
  test(`is answered with ${name}`, async () => {
    await using fixture = await webRtcFixture(wanted)
    using publishing = await fixture.publishing('live/choice', { media: offered })
    const { media } = publishing.peer.answer
    assert.deepEqual(
      media.map(({ codec }) => codec),
      taken,
    )
    assert.deepEqual(
      media.map(({ isRejected }) => isRejected),
      taken.map((codec) => codec === undefined),
    )
  })
}

test('a request may ask for other codecs and another bitrate than is configured', async () => {
  await using fixture = await webRtcFixture({ maxBitrate: 3_000_000 })
  const media = [['h264', 'vp8'], 'opus'] as const
  using usual = await fixture.connecting('live/usual', { media })
  using other = await fixture.connecting(
    'live/other',
    { media },
    { codecs: { video: ['vp8'] }, maxBitrateBps: 500_000 },
  )
  assert.match(usual.session.answer, /b=AS:3000\r\nb=TIAS:3000000\r\n/)
  assert.match(other.session.answer, /b=AS:500\r\nb=TIAS:500000\r\n/)
  assert.equal(usual.peer.answer.media[0]?.codec, 'h264')
  assert.equal(other.peer.answer.media[0]?.codec, 'vp8')
})

test('of simulcast one layer is taken', async () => {
  await using fixture = await webRtcFixture()
  using publishing = await fixture.publishing('live/layers', { rids: ['h', 'l'] })
  assert.doesNotMatch(publishing.session.answer, /simulcast|a=rid/)
  // This one sends both all the same.
  await publishing.peer.play(PICTURES)
  const [tape] = fixture.tapes
  await fixture.until(() => tape !== undefined && trackOf(tape, 1).length === PICTURES.length, 'all pictures')
  await sleep(100)
  assert.equal(tape?.units.length, PICTURES.length, 'each of them once')
})

test('what is not bundled with the first medium is refused', async () => {
  await using fixture = await webRtcFixture()
  using publishing = await fixture.connecting('live/apart', { bundle: false })
  assert.deepEqual(
    publishing.peer.answer.media.map(({ isRejected }) => isRejected),
    [false, true],
  )
})

test('a path has one publisher: who comes second is refused, and of two that connect the slower one ends', async () => {
  await using fixture = await webRtcFixture()
  using one = await fixture.connecting('live/taken')
  using other = await fixture.connecting('live/taken')
  const sessions = [one.session, other.session]
  await fixture.until(() => sessions.some(({ state }) => state === 'connected'), 'one of them publishes')
  await fixture.until(() => sessions.some(({ state }) => state === 'ended'), 'the other has ended')
  assert.equal(sessions.find(({ ended }) => ended !== undefined)?.ended?.reason, 'path-taken')
  assert.equal(fixture.hub.get('live/taken')?.end, undefined)
  await assert.rejects(fixture.connecting('live/taken'), StreamPathInUseError)
})
