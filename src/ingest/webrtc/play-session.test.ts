import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as settled } from 'node:timers/promises'
import { TapedeckError } from '#base/error.ts'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import { AccessUnit } from '#media/access-unit.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import { buildOpusHead } from '#media/opus/opus-head.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import { isRtcp, put32, RtpPacket } from '#protocols/rtp/packet.ts'
import { parseRtcp, writePictureLoss } from '#protocols/rtp/rtcp.ts'
import { H264, OTHER_H264, picture } from '#test/support/rtp-media.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { type MediumOffer, planPlaying } from './play-plan.ts'
import { PlaySession } from './play-session.ts'
import { SoundForPlayers } from './sound-for-players.ts'

const PLAYER: readonly MediumOffer[] = [
  {
    kind: 'video',
    codecs: [
      {
        payloadType: 102,
        encoding: 'H264',
        clockRateHz: 90_000,
        parameters: new Map([['packetization-mode', '1']]),
        retransmissionPayloadType: 103,
      },
    ],
  },
  { kind: 'audio', codecs: [{ payloadType: 111, encoding: 'OPUS', clockRateHz: 48_000, parameters: new Map() }] },
]

const OPUS = makeAudioFormat({
  trackId: 2,
  timescale: 48_000,
  codec: 'opus',
  configuration: buildOpusHead({
    ...{ channels: 2, preSkip: 0, inputSampleRateHz: 48_000, outputGain: 0 },
    ...{ mappingFamily: 0, mapping: undefined },
  }),
})

const VP8 = makeVideoFormat({ codec: 'vp8', trackId: 1, timescale: 90_000, configuration: new Uint8Array(0) })

/** A stream and a player of it, whose clock stands still unless it is moved. */
function playing(t: TestContext) {
  const clock = { ms: 1_000 }
  const runtime = { nowMs: () => 1e12 + clock.ms, monotonicMs: () => clock.ms, newId: () => 'id', log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1e6 })
  const publisher = { protocol: 'test', remoteAddress: '127.0.0.1', connectionId: 'c', encoder: '', disconnect() {} }
  const publication = hub.publish('live/cam', { ...publisher, ...NO_CONNECTION_FACTS })
  const { stream } = publication
  const memory = new PayloadMemory()
  const arena = memory.arena()
  const asked = { times: 0 }
  stream.askRandomAccess = () => void asked.times++
  const transcoder = new AudioTranscoder({ runtime, aacEncoder: 'aac' })
  t.after(() => transcoder[Symbol.asyncDispose]())
  const sound = new SoundForPlayers({ runtime, transcoder })
  const sent: Uint8Array[] = []
  const ended: unknown[] = []
  const sessions: PlaySession[] = []

  return {
    clock,
    stream,
    asked,
    memory,
    arena,
    ended,
    sessions,
    end: () => publication.end({ cause: 'unpublished', message: 'over' }),
    write(format: TrackFormat, atMs: number, payload: Uint8Array, options: { key?: boolean; pts?: number } = {}) {
      const reservation = arena.reserve(payload.length)
      reservation.bytes.set(payload)
      const ticks = (ms: number) => (ms * format.timescale) / 1000
      const timing = { dts: ticks(atMs), pts: ticks(options.pts ?? atMs), isRandomAccess: options.key ?? false }
      stream.write(new AccessUnit(format, timing, reservation))
    },
    play(player = PLAYER, beforeConnecting = () => {}) {
      const media = planPlaying(stream, player)
      const session = new PlaySession({
        stream,
        media,
        sound,
        runtime,
        log: SILENT_LOGGER,
        idleTimeoutMs: 20_000,
        send: (packet) => sent.push(Uint8Array.from(packet)),
        finish: (reason, end) => ended.push({ reason, end }),
        fail: (error) => ended.push(error),
      })
      sessions.push(session)
      t.after(() => session.end({ cause: 'shutdown', message: '' }))
      beforeConnecting()
      session.connected({ remoteAddress: '127.0.0.1', remotePort: 1 })
      return { session, media }
    },
    /** What was sent since the last call. */
    async taken() {
      await settled()
      await settled()
      const all = sent.splice(0)
      const rtp = all
        .filter((bytes) => !isRtcp(bytes))
        .map((bytes) => {
          const packet = new RtpPacket()
          assert.ok(packet.parse(bytes))
          return packet
        })
      return { rtp, rtcp: all.filter((bytes) => isRtcp(bytes)).flatMap(parseRtcp) }
    },
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof TapedeckError ? error.code : undefined
}

function timesMs(packets: readonly RtpPacket[]): number[] {
  const [first] = packets
  const times = packets.map(({ timestamp }) => ((timestamp - (first?.timestamp ?? 0)) | 0) / 90)
  return [...new Set(times)]
}

function nack(ssrc: number, sequenceNumber: number): Uint8Array {
  const bytes = Uint8Array.of(0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, sequenceNumber >> 8, sequenceNumber & 0xff, 0, 0)
  put32(bytes, 8, ssrc)
  return bytes
}

test('a player gets what is remembered in no time, then what comes at its time', async (t) => {
  const { stream, write, play, taken, clock } = playing(t)
  stream.setFormat(H264)
  write(H264, 0, picture('key', 3_000, 1), { key: true })
  for (let ms = 40; ms <= 800; ms += 40) write(H264, ms, picture('inter', 500, 2))
  clock.ms += 800
  const { media } = play()
  const { rtp } = await taken()
  const [first, second] = rtp
  assert.equal((first?.payload[0] ?? 0) & 31, 24, 'SPS and PPS in one packet (STAP-A)')
  assert.equal((second?.payload[0] ?? 0) & 31, 28, 'then the key frame (FU-A)')
  assert.deepEqual(
    timesMs(rtp),
    Array.from({ length: 21 }, (_, i) => i),
    'a millisecond apart',
  )
  assert.ok(rtp.every(({ ssrc, payloadType }) => ssrc === media[0]?.ssrc && payloadType === 102))
  write(H264, 840, picture('inter', 500, 2))
  const live = await taken()
  assert.deepEqual(timesMs([...rtp.slice(-1), ...live.rtp]), [0, 40])
  const [report] = live.rtcp
  assert.equal(report?.kind, 'senderReport', 'with the first live picture')
  const numbers = [...rtp, ...live.rtp].map(({ sequenceNumber }) => sequenceNumber)
  for (const [i, number] of numbers.entries()) assert.equal(number, ((numbers[0] ?? 0) + i) & 0xffff)
})

test('sender reports come each second, and put sound and picture beside each other', async (t) => {
  const { stream, write, play, taken, clock } = playing(t)
  stream.setFormat(H264)
  stream.setFormat(OPUS)
  play()
  const reports: { ms: number; seconds: number }[] = []
  const zeros = new Map<number, number>()
  for (let ms = 0; ms <= 3_000; ms += 40) {
    write(H264, ms, picture('key', 100, 1), { key: true })
    write(OPUS, ms + 5, Uint8Array.of(0xfc, 1, 2), { key: true })
    const { rtp, rtcp } = await taken()
    for (const { ssrc, timestamp, payloadType } of rtp) {
      const rate = payloadType === 111 ? 48 : 90
      if (!zeros.has(ssrc)) zeros.set(ssrc, timestamp - (ms + (rate === 48 ? 5 : 0)) * rate)
    }
    for (const packet of rtcp) {
      if (packet.kind !== 'senderReport') continue
      const rate = packet.ssrc === rtp.find(({ payloadType }) => payloadType === 111)?.ssrc ? 48 : 90
      const mediaMs = ((packet.rtpTimestamp - (zeros.get(packet.ssrc) ?? 0)) >>> 0) / rate
      reports.push({ ms, seconds: packet.wallClockMs - mediaMs })
    }
    clock.ms += 40
  }
  assert.equal(reports.length, 8, 'at 0, 1, 2 and 3 seconds, for each of the two')
  for (const { seconds } of reports) assert.ok(Math.abs(seconds - (reports[0]?.seconds ?? 0)) < 0.1)
})

test('of an old GOP nothing is sent when the source gives another one', async (t) => {
  const { stream, write, play, taken, clock, asked } = playing(t)
  stream.setFormat(H264)
  write(H264, 0, picture('key', 300, 1), { key: true })
  clock.ms += 5_000
  play()
  assert.equal(asked.times, 1)
  write(H264, 5_000, picture('inter', 300, 2))
  assert.equal((await taken()).rtp.length, 0)
  write(H264, 5_040, picture('key', 300, 3), { key: true })
  assert.equal((await taken()).rtp.length, 2)
})

test('of an old GOP all is sent when the source gives no other one in time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { stream, write, play, taken, clock } = playing(t)
  stream.setFormat(H264)
  write(H264, 0, picture('key', 300, 1), { key: true })
  clock.ms += 5_000
  write(H264, 5_000, picture('inter', 300, 2))
  play()
  write(H264, 5_040, picture('inter', 300, 2))
  assert.equal((await taken()).rtp.length, 0)
  t.mock.timers.tick(500)
  assert.deepEqual(timesMs((await taken()).rtp), [0, 1, 2])
})

test('what is asked for is sent again, over its own stream; asking for a picture reaches the source', async (t) => {
  const { stream, write, play, taken, asked } = playing(t)
  stream.setFormat(H264)
  const { session, media } = play()
  write(H264, 0, picture('key', 3_000, 1), { key: true })
  const { rtp } = await taken()
  const [, lost] = rtp
  assert.ok(lost)
  const before = asked.times
  session.packet(nack(lost.ssrc, lost.sequenceNumber), 1_000)
  session.packet(nack(lost.ssrc, (lost.sequenceNumber + 1_000) & 0xffff), 1_000)
  session.packet(nack(lost.ssrc + 1, lost.sequenceNumber), 1_000)
  const again = await taken()
  assert.equal(again.rtp.length, 1)
  const [repeated] = again.rtp
  assert.equal(repeated?.ssrc, media[0]?.retransmissionSsrc)
  assert.equal(repeated?.payloadType, 103)
  assert.equal(repeated?.timestamp, lost.timestamp)
  assert.deepEqual(repeated?.payload.subarray(2), lost.payload)
  session.packet(writePictureLoss(1, lost.ssrc), 1_000)
  assert.equal(asked.times, before + 1)
})

test('sending again has its bounds, whatever is asked for', async (t) => {
  const { stream, write, play, taken, clock } = playing(t)
  stream.setFormat(H264)
  const { session } = play()
  write(H264, 0, picture('key', 20_000, 1), { key: true })
  const { rtp } = await taken()
  let bytes = 0
  for (let i = 0; i < 100; i++) {
    clock.ms += 5
    for (const { ssrc, sequenceNumber } of rtp) session.packet(nack(ssrc, sequenceNumber), clock.ms)
    for (const packet of (await taken()).rtp) bytes += packet.bytes.length
  }
  assert.ok(bytes < 300_000, `${bytes} bytes in half a second`)
})

test('too much for a player: whole GOPs are left out, numbers go on', async (t) => {
  const { stream, write, play, taken, clock, memory, arena } = playing(t)
  stream.setFormat(H264)
  const { session } = play()
  await taken()
  // All at once, so that none of it can go out meanwhile.
  for (let i = 0; i < 30; i++)
    write(H264, i * 40, picture(i % 10 === 0 ? 'key' : 'inter', 300_000, 1), { key: i % 10 === 0 })
  const numbers: number[] = []
  const times = new Set<number>()
  for (let i = 0; i < 400 && times.size < 20; i++) {
    clock.ms += 50
    for (const { sequenceNumber, timestamp } of (await taken()).rtp) {
      numbers.push(sequenceNumber)
      times.add(timestamp)
    }
    await new Promise((resolve) => setTimeout(resolve, 6))
  }
  write(H264, 1_200, picture('key', 100, 1), { key: true })
  for (let i = 0; i < 5; i++) {
    clock.ms += 50
    await new Promise((resolve) => setTimeout(resolve, 6))
    for (const { sequenceNumber } of (await taken()).rtp) numbers.push(sequenceNumber)
  }
  assert.ok(times.size >= 10 && times.size < 30, `${times.size} pictures`)
  for (const [i, number] of numbers.entries()) assert.equal(number, ((numbers[0] ?? 0) + i) & 0xffff)
  session.end({ cause: 'unpublished', message: '' })
  stream.finish({ cause: 'unpublished', message: '' })
  arena[Symbol.dispose]()
  assert.equal(memory.inUseBytes, 0, 'nothing is held')
})

test('nothing is held of pictures that the player has no place for, nor of what he was refused', async (t) => {
  const { stream, write, play, taken, memory, arena, sessions } = playing(t)
  stream.setFormat(OPUS)
  const refused = () =>
    play(PLAYER, () => {
      stream.setFormat(VP8)
      write(VP8, 0, Buffer.alloc(300_000), { key: true })
    })
  assert.throws(refused, { code: 'webrtc/player-lacks-codec' })
  play(PLAYER.slice(1))
  await taken()
  for (const session of sessions) session.end({ cause: 'unpublished', message: '' })
  stream.finish({ cause: 'unpublished', message: '' })
  arena[Symbol.dispose]()
  assert.equal(memory.inUseBytes, 0)
})

test('B-frames end the session when they show; known before, they are refused', async (t) => {
  const { stream, write, play, taken, ended } = playing(t)
  stream.setFormat(H264)
  play()
  write(H264, 0, picture('key', 100, 1), { key: true, pts: 80 })
  write(H264, 40, picture('inter', 100, 1), { pts: 200 })
  await taken()
  assert.deepEqual(ended, [])
  write(H264, 80, picture('inter', 100, 1), { pts: 120 })
  await taken()
  assert.equal(codeOf(ended[0]), 'webrtc/reordered-pictures')
  assert.throws(() => planPlaying(stream, PLAYER), { code: 'webrtc/reordered-pictures' })
})

test('a track that comes later is sent where it was promised', async (t) => {
  const { stream, write, play, taken } = playing(t)
  stream.setFormat(OPUS)
  const { media } = play()
  write(OPUS, 0, Uint8Array.of(0xfc, 1, 2), { key: true })
  assert.deepEqual(
    (await taken()).rtp.map(({ payloadType }) => payloadType),
    [111],
  )
  stream.setFormat(H264)
  write(H264, 0, picture('key', 100, 1), { key: true })
  const { rtp } = await taken()
  assert.deepEqual([...new Set(rtp.map(({ ssrc }) => ssrc))], [media[0]?.ssrc])
})

test('parameter sets may change; another codec ends the session', async (t) => {
  const { stream, write, play, taken, ended } = playing(t)
  stream.setFormat(H264)
  play()
  write(H264, 0, picture('key', 100, 1), { key: true })
  stream.setFormat(OTHER_H264)
  write(OTHER_H264, 40, picture('key', 100, 1), { key: true })
  const { rtp } = await taken()
  assert.notDeepEqual(rtp[0]?.payload, rtp[2]?.payload, 'the new sets')
  assert.deepEqual(ended, [])
  stream.setFormat({ ...H264, codec: 'vp8' })
  await taken()
  assert.equal(codeOf(ended[0]), 'webrtc/format-replaced')
})

test('the end of a stream is said, and finishes the session', async (t) => {
  const { stream, write, play, taken, ended, end } = playing(t)
  stream.setFormat(H264)
  play()
  write(H264, 0, picture('key', 100, 1), { key: true })
  end()
  const { rtcp } = await taken()
  assert.equal(rtcp.at(-1)?.kind, 'bye')
  assert.deepEqual(ended, [{ reason: 'stream-ended', end: { cause: 'unpublished', message: 'over' } }])
})

test('a player that says nothing is given up, one that reports is not', async (t) => {
  const { stream, write, play, taken, clock } = playing(t)
  stream.setFormat(H264)
  const { session } = play()
  session.tick(clock.ms + 60_000)
  write(H264, 0, picture('key', 100, 1), { key: true })
  await taken()
  clock.ms += 15_000
  session.packet(writePictureLoss(1, 1), clock.ms)
  clock.ms += 15_000
  session.tick(clock.ms)
  clock.ms += 6_000
  assert.throws(() => session.tick(clock.ms), { code: 'webrtc/idle-timeout' })
})

test('a player without the codec is told what there is', (t) => {
  const { stream } = playing(t)
  stream.setFormat({ ...H264, codec: 'vp8', configuration: new Uint8Array(0) })
  assert.throws(() => planPlaying(stream, PLAYER), {
    code: 'webrtc/player-lacks-codec',
    codec: 'VP8',
    offered: ['H264'],
  })
})
