import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { program, publishWithFfmpeg8 } from '#test/support/programs.ts'
import { rtmpFixture } from '#test/support/rtmp-fixture.ts'
import type { Tape } from '#test/support/taped-hub.ts'

/** ffmpeg arguments that send a file as it is, as fast as the server takes it. */
const send = (path: string, url: string) => ['-v', 'error', '-i', path, '-map', '0', '-c', 'copy', '-f', 'flv', url]

/** Every coded byte arrived, in order, and at its time within a millisecond. */
function assertSameMedia(tape: Tape, source: ElementarySource): void {
  for (const format of source.formats) {
    const sent = source.units.filter((unit) => unit.format === format)
    const got = tape.units.filter((unit) => unit.format.codec === format.codec && unit.format.kind === format.kind)
    assert.equal(got.length, sent.length, `${format.codec}: number of access units`)
    const zeroMs = offsetMs(tape, source)
    sent.forEach((unit, index) => {
      const other = got[index]
      if (other === undefined) return
      assert.ok(Buffer.from(unit.payload).equals(other.payload), `${format.codec} ${index}: payload`)
      assert.equal(other.isRandomAccess, unit.isRandomAccess, `${format.codec} ${index}: random access`)
      for (const stamp of ['dts', 'pts'] as const) {
        const sentMs = (unit[stamp] * 1000) / format.timescale
        const gotMs = (other[stamp] * 1000) / other.format.timescale - zeroMs
        assert.ok(Math.abs(sentMs - gotMs) <= 1, `${format.codec} ${index}: ${stamp} ${gotMs} ms instead of ${sentMs}`)
      }
    })
  }
}

/** How much later than in the source everything is: FLV starts at zero, sources may start before. */
function offsetMs(tape: Tape, source: ElementarySource): number {
  const kind = source.formats[0]?.kind
  const sent = source.units.find((unit) => unit.format.kind === kind)
  const got = tape.units.find((unit) => unit.format.kind === kind)
  if (sent === undefined || got === undefined) return 0
  return (got.dts * 1000) / got.format.timescale - (sent.dts * 1000) / sent.format.timescale
}

const CODECS: readonly { video: VideoCodec; audio: AudioCodec; publisher: 'ffmpeg' | 'FFmpeg 8' }[] = [
  { video: 'h264', audio: 'aac', publisher: 'ffmpeg' },
  { video: 'h264', audio: 'mp3', publisher: 'ffmpeg' },
  { video: 'h264', audio: 'pcma', publisher: 'ffmpeg' },
  { video: 'h264', audio: 'pcmu', publisher: 'ffmpeg' },
  { video: 'h265', audio: 'opus', publisher: 'FFmpeg 8' },
  { video: 'av1', audio: 'flac', publisher: 'FFmpeg 8' },
  { video: 'vp9', audio: 'ac3', publisher: 'FFmpeg 8' },
  { video: 'h264', audio: 'eac3', publisher: 'FFmpeg 8' },
]
for (const { video, audio, publisher } of CODECS) {
  test(`${publisher} publishes ${video} and ${audio}: all of it arrives, unchanged and in time`, async () => {
    await using fixture = await rtmpFixture()
    const source = await makeSource(fixture.folder, { video, audio })
    const url = fixture.url('live/cam1')
    if (publisher === 'ffmpeg') await program('ffmpeg', send(source.path, url))
    else await publishWithFfmpeg8(source.path, url)
    const tape = await fixture.tape(0)
    assert.equal((await tape.ended).cause, publisher === 'ffmpeg' ? 'unpublished' : 'lost')
    assert.deepEqual(tape.formats.map((format) => format.codec).sort(), [video, audio].sort())
    assertSameMedia(tape, source)
    assert.equal(fixture.hub.payloads.inUseBytes, 0, 'all payload memory is back')
  })
}

test('FFmpeg 8 publishes two audio tracks: each is a track of its own', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac' })
  const path = fixture.folder.at('two-tones.mp4')
  await program('ffmpeg', [
    ...['-v', 'error', '-i', source.path, '-f', 'lavfi', '-i', 'sine=880:duration=2', '-map', '0', '-map', '1'],
    ...['-c:v', 'copy', '-c:a:0', 'copy', '-c:a:1', 'aac', path],
  ])
  await publishWithFfmpeg8(path, fixture.url('live/two'))
  const tape = await fixture.tape(0)
  await tape.ended
  assert.deepEqual(
    tape.formats.map((format) => [format.trackId, format.codec]),
    [
      [1, 'h264'],
      [2, 'aac'],
      [4, 'aac'], // video has odd ids, audio even ones
    ],
  )
  const counts = [1, 2, 4].map((id) => tape.units.filter((unit) => unit.format.trackId === id).length)
  assert.equal(counts[0], 50)
  assert.ok((counts[1] ?? 0) > 80 && (counts[2] ?? 0) > 80, String(counts))
})

test('ffmpeg publishes over RTMPS', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac' })
  await program('ffmpeg', send(source.path, `rtmps://127.0.0.1:${fixture.tlsPort}/live/cam1`))
  const tape = await fixture.tape(0)
  await tape.ended
  assert.equal(tape.stream.publisher.protocol, 'rtmps')
  assertSameMedia(tape, source)
})

test('GStreamer’s rtmp2sink publishes', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac' })
  const pipeline =
    `filesrc location=${source.path} ! qtdemux name=d flvmux name=m streamable=true ! rtmp2sink location=${fixture.url('live/gst')} ` +
    'd.video_0 ! h264parse ! queue ! m. d.audio_0 ! aacparse ! queue ! m.'
  await program('gst-launch-1.0', ['-q', ...pipeline.split(' ')])
  const tape = await fixture.tape(0)
  await tape.ended
  assert.equal(tape.stream.path, 'live/gst')
  const video = tape.units.filter((unit) => unit.format.kind === 'video')
  const sent = source.units.filter((unit) => unit.format.kind === 'video')
  assert.equal(video.length, sent.length)
  assert.ok(video[0]?.isRandomAccess)
})

test('a second publisher of a path is told BadName, the first goes on', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 2 })
  const url = fixture.url('live/cam1')
  const first = program('ffmpeg', ['-re', ...send(source.path, url)])
  await fixture.tape(0)
  await assert.rejects(program('ffmpeg', send(source.path, url)), /being published already/)
  await first
  const tape = await fixture.tape(0)
  assert.equal((await tape.ended).cause, 'unpublished')
  assertSameMedia(tape, source)
  assert.equal(fixture.tapes.length, 1)
})
