import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import { splitAudioTag } from '#media/flv/audio-tag.ts'
import { splitVideoTag } from '#media/flv/video-tag.ts'
import { encodeCommand, MessageType, type RtmpMessage } from '#protocols/rtmp/message.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { ffprobe, readWithFfmpeg8 } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { type RtmpFixture, rtmpFixture } from '#test/support/rtmp-fixture.ts'
import { sendUnits } from '#test/support/rtmp-media.ts'

/** Publishes all of a source at once and keeps the stream open; gives what a player that comes now should be sent. */
async function publishAll(fixture: RtmpFixture, source: ElementarySource) {
  const client = await RtmpClient.open(fixture.port)
  assert.equal(await client.status('publish', 'cam1'), 'NetStream.Publish.Start')
  sendUnits(client, source.units)
  const tape = await fixture.tape(0)
  while (tape.units.length < source.units.length) await sleep(10)
  const isVideoKey = (unit: SourceUnit) => unit.format.kind === 'video' && unit.isRandomAccess
  const expected = source.units.slice(source.units.findLastIndex(isVideoKey))
  return { client, expected, [Symbol.dispose]: () => client[Symbol.dispose]() }
}

/** Payload sizes of one kind of track: what survives every container. */
const sizes = (units: readonly SourceUnit[], kind: string) =>
  units.filter((unit) => unit.format.kind === kind).map((unit) => unit.payload.length)

/** Waits until this many players are attached. */
async function players(fixture: RtmpFixture, count: number): Promise<void> {
  while (fixture.events.filter(({ event }) => event === 'rtmp.play-started').length < count) await sleep(10)
}

test('ffmpeg plays from the last random access point to the end of the stream', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac' })
  using publication = await publishAll(fixture, source)
  const path = fixture.folder.at('played.mkv')
  const played = program('ffmpeg', ['-v', 'error', '-i', fixture.url('live/cam1'), '-c', 'copy', path])
  await players(fixture, 1)
  await publication.client.status('deleteStream', 1)
  await played
  const { packets, streams } = await ffprobe(path)
  assert.deepEqual(
    streams.map((stream) => stream.codec_name),
    ['h264', 'aac'],
  )
  const got = (index: number) =>
    packets.filter((packet) => packet.stream_index === index).map(({ size }) => Number(size))
  assert.deepEqual(got(0), sizes(publication.expected, 'video'))
  assert.deepEqual(got(1), sizes(publication.expected, 'audio'))
  assert.match(packets.find((packet) => packet.stream_index === 0)?.flags ?? '', /K/)
})

test('rtmpdump plays, and ends when the stream does', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac' })
  using publication = await publishAll(fixture, source)
  const path = fixture.folder.at('played.flv')
  const played = program('rtmpdump', ['--live', '-q', '-r', fixture.url('live/cam1'), '-o', path])
  await players(fixture, 1)
  await publication.client.status('deleteStream', 1)
  await played
  const { packets } = await readWithFfmpeg8(path)
  const video = packets.filter((packet) => packet.streamIndex === 0).map((packet) => packet.payload.length)
  assert.deepEqual(video, sizes(publication.expected, 'video'))
})

const CODECS: readonly { video: VideoCodec; audio: AudioCodec }[] = [
  { video: 'h265', audio: 'opus' },
  { video: 'av1', audio: 'flac' },
  { video: 'vp9', audio: 'ac3' },
  { video: 'vp8', audio: 'eac3' },
  { video: 'h264', audio: 'mp3' },
  { video: 'h264', audio: 'pcma' },
]
for (const { video, audio } of CODECS) {
  test(`a player is sent ${video} and ${audio} as they were published`, async () => {
    await using fixture = await rtmpFixture()
    const source = await makeSource(fixture.folder, { video, audio })
    using publication = await publishAll(fixture, source)
    using player = await RtmpClient.open(fixture.port)
    assert.equal(await player.status('play', 'cam1'), 'NetStream.Play.Reset')
    await players(fixture, 1)
    await publication.client.status('deleteStream', 1)
    while ((await player.nextStatus()) !== 'NetStream.Play.Stop');
    const coded = (typeId: number, split: (message: RtmpMessage) => Uint8Array[]) =>
      player.received.filter((message) => message.typeId === typeId).flatMap(split)
    const pictures = coded(MessageType.video, ({ body }) =>
      splitVideoTag(body).flatMap(({ tag, payload }) =>
        tag.kind === 'codedPicture' && tag.codec === video ? [payload] : [],
      ),
    )
    const sounds = coded(MessageType.audio, ({ body }) =>
      splitAudioTag(body).flatMap(({ tag, payload }) =>
        tag.kind === 'codedAudio' && tag.codec === audio ? [payload] : [],
      ),
    )
    const sent = (kind: string) =>
      publication.expected.filter((unit) => unit.format.kind === kind).map((unit) => Buffer.from(unit.payload))
    assert.deepEqual(
      pictures.map((bytes) => Buffer.from(bytes)),
      sent('video'),
    )
    assert.deepEqual(
      sounds.map((bytes) => Buffer.from(bytes)),
      sent('audio'),
    )
  })
}

test('FFmpeg 8 plays HEVC and Opus over enhanced RTMP', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h265', audio: 'opus' })
  using publication = await publishAll(fixture, source)
  const path = fixture.folder.at('played.mp4')
  const script = `${import.meta.dirname}/../support/play-with-ffmpeg8.ts`
  const played = program(process.execPath, [script, fixture.url('live/cam1'), path])
  await players(fixture, 1)
  await publication.client.status('deleteStream', 1)
  await played
  const { packets } = await readWithFfmpeg8(path)
  const video = packets.filter((packet) => packet.streamIndex === 0).map((packet) => packet.payload.length)
  assert.deepEqual(video, sizes(publication.expected, 'video'))
})

test('a player of nothing is told StreamNotFound; pause and seek are answered', async () => {
  await using fixture = await rtmpFixture()
  const source = await makeSource(fixture.folder, { video: 'h264' })
  using player = await RtmpClient.open(fixture.port)
  assert.equal(await player.status('play', 'nobody'), 'NetStream.Play.StreamNotFound')
  using _publication = await publishAll(fixture, source)
  assert.equal(await player.status('play', 'cam1'), 'NetStream.Play.Reset')
  assert.equal(await player.nextStatus(), 'NetStream.Play.Start')
  assert.equal(await player.status('pause', true, 0), 'NetStream.Pause.Notify')
  assert.equal(await player.status('pause', false, 0), 'NetStream.Unpause.Notify')
  assert.equal(await player.status('seek', 1000), 'NetStream.Seek.Failed')
})

test('a slow player loses whole GOPs, costs bounded memory, and holds nobody up', async () => {
  await using fixture = await rtmpFixture()
  using slow = await RtmpClient.open(fixture.port)
  using publisher = await RtmpClient.open(fixture.port)
  await publisher.status('publish', 'cam1')
  const source = await makeSource(fixture.folder, { video: 'h264' })
  const large = source.units.map((unit) => ({
    ...unit,
    payload: Buffer.concat([unit.payload, new Uint8Array(200_000)]),
  }))
  sendUnits(publisher, large.slice(0, 1))
  await fixture.tape(0)
  await slow.status('play', 'cam1')
  slow.socket.pause()
  const laps = 10
  let mostBytes = 0
  const tape = await fixture.tape(0)
  for (let lap = 0; lap < laps; lap++) {
    const shifted = large.map((unit) => ({
      ...unit,
      dts: unit.dts + lap * 2 * unit.format.timescale,
      pts: unit.pts + lap * 2 * unit.format.timescale,
    }))
    sendUnits(publisher, shifted)
    while (tape.units.length < 1 + (lap + 1) * large.length) await sleep(5)
    mostBytes = Math.max(mostBytes, fixture.hub.payloads.inUseBytes)
  }
  assert.ok(mostBytes < 24 * 1024 * 1024, `${mostBytes} bytes of payloads in use`)
  const received = () => slow.received.filter((message) => message.typeId === MessageType.video)
  slow.socket.resume()
  const lastMs = () => received().at(-1)?.timestampMs ?? 0
  for (let ticks = 9_000_000; lastMs() < 20_000; ticks += 90_000) {
    const keyPicture = large.slice(0, 1).map((unit) => ({ ...unit, dts: unit.dts + ticks, pts: unit.pts + ticks }))
    sendUnits(publisher, keyPicture)
    await sleep(50)
  }
  assert.ok(
    fixture.events.some(({ event }) => event === 'rtmp.player-lagging'),
    'the loss is logged',
  )
  // After each hole in time the first picture is a key frame.
  let before = 0
  for (const { timestampMs, body } of received()) {
    const [part] = splitVideoTag(body)
    if (part?.tag.kind !== 'codedPicture') continue
    if (timestampMs - before > 100)
      assert.ok(part.tag.isKeyFrame, `a hole before ${timestampMs} ms ends without a key frame`)
    before = timestampMs
  }
})

test('a client that asks and never listens is dropped, and so is a player whose network stands still', async () => {
  await using fixture = await rtmpFixture()
  using client = await RtmpClient.open(fixture.port)
  client.socket.pause()
  // More than the kernel takes on both sides, so that some of it stays with the server.
  const unknown = encodeCommand('x'.repeat(90), 9, null)
  for (let lap = 0; lap < 400 && fixture.server.counters.errorsTotal.size === 0; lap++) {
    const begunMs = performance.now()
    for (let i = 0; i < 500; i++) client.send(MessageType.command, unknown)
    await sleep(1)
    // On a busy machine this takes as long as a client may take to play: no time passes for the server.
    fixture.advance(begunMs - performance.now())
  }
  fixture.advance(11_000)
  while (fixture.server.counters.connections > 0) await sleep(20)
  assert.deepEqual([...fixture.server.counters.errorsTotal], [['rtmp/peer-not-reading', 1]])
})
