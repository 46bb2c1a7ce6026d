import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import { MediaReceiver } from '#ingest/rtp/media-receiver.ts'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { payloadFormat } from '#protocols/rtp/payloads/all.ts'
import { writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { writeRequest } from '#protocols/rtsp/message.ts'
import { picture, TestCamera, videoDescription } from '#test/support/rtp-media.ts'
import { RtspClient } from '#test/support/rtsp-client.ts'
import { type RtspFixture, rtspFixture } from '#test/support/rtsp-fixture.ts'
import { Dice, mutate } from './mutate.ts'

/** Inputs of one run; FUZZ_INPUTS and FUZZ_SEED choose others, to look further or to repeat a failure. */
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? (process.env['LONG_TESTS'] === '1' ? 100_000 : 3_000))
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const PARALLEL = 60

const AUDIO = [
  'm=audio 0 RTP/AVP 97',
  'a=rtpmap:97 MPEG4-GENERIC/48000/2',
  'a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190',
  'a=control:streamid=1',
]

/** A session up to RECORD or PLAY, and what comes after it. */
interface Session {
  readonly before: Buffer
  readonly after: Buffer
}

function requests(
  lines: readonly (readonly [
    method: string,
    path: string,
    fields?: readonly (readonly [string, string])[],
    body?: string,
  ])[],
) {
  return Buffer.concat(
    lines.map(([method, path, fields = [], body = ''], index) =>
      writeRequest(method, `rtsp://127.0.0.1/live/${path}`, [['CSeq', index + 1], ...fields], Buffer.from(body)),
    ),
  )
}

const tcp = (channel: number) => [['Transport', `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`]] as const

const interleaved = (channel: number, packet: Uint8Array) =>
  Buffer.concat([Uint8Array.of(0x24, channel, packet.length >> 8, packet.length & 255), packet])

/** What publishers and players send, each under a name that is replaced. */
function sessions(): readonly Session[] {
  const sdp = [['Content-Type', 'application/sdp']] as const
  const camera = new TestCamera()
  const media: Buffer[] = []
  for (let index = 0; index < 12; index++) {
    const unit = picture(index % 5 === 0 ? 'key' : 'inter', 50 + index * 150, index)
    for (const packet of camera.packets(unit, index * 40)) media.push(interleaved(0, packet))
    const sound = Uint8Array.of(0, 16, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8)
    const header = { payloadType: 97, marker: true, sequenceNumber: index, timestamp: index * 1024, ssrc: 7 }
    media.push(interleaved(2, writeRtpPacket(header, sound)))
    const facts = { ssrc: 7, wallClockMs: 1.7e12 + index * 40, rtpTimestamp: index * 1024, packets: 1, payloadBytes: 8 }
    media.push(interleaved(3, writeSenderReport(facts, 'fuzz')))
  }
  const end = requests([['TEARDOWN', 'name-000000']])
  return [
    {
      before: requests([
        ['OPTIONS', 'name-000000'],
        ['ANNOUNCE', 'name-000000', sdp, videoDescription(...AUDIO)],
        ['SETUP', 'name-000000/streamid=0', tcp(0)],
        ['SETUP', 'name-000000/streamid=1', tcp(2)],
        ['RECORD', 'name-000000'],
      ]),
      after: Buffer.concat([...media, end]),
    },
    {
      before: requests([
        [
          'DESCRIBE',
          'healthy',
          [['Authorization', 'Digest username="a", realm="b", nonce="c", uri="d", response="e"']],
        ],
        ['SETUP', 'healthy/trackID=1', tcp(0)],
        ['PLAY', 'healthy', [['Range', 'npt=0.000-']]],
      ]),
      after: Buffer.concat([
        interleaved(1, Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 1)),
        requests([['PAUSE', 'healthy']]),
        requests([['PLAY', 'healthy']]),
        end,
      ]),
    },
  ]
}

test(`RTSP: ${INPUTS} damaged sessions, a healthy one beside them (FUZZ_SEED=${SEED})`, async () => {
  await using fixture = await rtspFixture({ config: { maxConnections: 1000 } })
  const dice = new Dice(SEED)
  const known = sessions()
  const healthy = await startHealthy(fixture)
  const trouble: unknown[] = []
  let next = 0
  const work = async () => {
    while (next < INPUTS) {
      const { before, after } = damaged(known, next++, dice)
      await play(fixture.port, before, after)
      const failed = ({ event, code }: { event: string; code?: unknown }) =>
        event === 'hub.sink-failed' || code === 'internal/unexpected'
      trouble.push(...fixture.events.filter(failed))
      fixture.events.length = 0
      fixture.tapes.length = 0
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  assert.deepEqual(trouble, [])
  await healthy.finish()
  while (fixture.server.counters.connections > 0) await sleep(10)
  assert.equal(fixture.hub.size, 0, 'every stream has ended')
  assert.equal(fixture.hub.payloads.inUseBytes, 0, 'all payload memory is back')
})

/** A session under a stream name of its own; in half of them only what follows the beginning is damaged. */
function damaged(known: readonly Session[], index: number, dice: Dice): Session {
  const session = dice.pick(known)
  const name = Buffer.from(`name-${String(index % 1_000_000).padStart(6, '0')}`)
  const named = (bytes: Buffer) => {
    const copy = Buffer.from(bytes)
    for (let at = copy.indexOf('name-000000'); at >= 0; at = copy.indexOf('name-000000', at + 1)) name.copy(copy, at)
    return copy
  }
  const others = known.flatMap(({ before, after }) => [before, after])
  const [before, after] = [named(session.before), named(session.after)]
  if (dice.roll(2) === 0) return { before: mutate(before, dice, others), after }
  return { before, after: mutate(after, dice, others) }
}

/** Sends the beginning, and after its answer (or none) the rest; waits until the server has closed. */
async function play(port: number, before: Buffer, after: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(before)
  const quiet = AbortSignal.timeout(30)
  // Answers come in one piece mostly; where they do not, the rest is just early.
  await once(socket, 'data', { signal: quiet }).catch(() => {})
  socket.resume()
  if (!socket.destroyed) socket.end(after)
  if (!socket.destroyed) await once(socket, 'close').catch(() => {})
}

/** A publisher that sends a picture every 20 ms; at its end every one of them must have arrived. */
async function startHealthy(fixture: RtspFixture) {
  const client = await RtspClient.open(fixture.port)
  const url = fixture.url('live/healthy')
  await client.expect(200, 'ANNOUNCE', url, [['Content-Type', 'application/sdp']], videoDescription())
  await client.expect(200, 'SETUP', `${url}/streamid=0`, tcp(0))
  await client.expect(200, 'RECORD', url)
  const tape = fixture.tapes.at(-1)
  assert.equal(tape?.stream.path, 'live/healthy')
  const camera = new TestCamera()
  let sent = 0
  const timer = setInterval(() => {
    const unit = picture(sent % 25 === 0 ? 'key' : 'inter', 300, sent % 100)
    for (const packet of camera.packets(unit, 20 * sent)) client.frame(0, packet)
    sent++
  }, 20)
  return {
    finish: async () => {
      clearInterval(timer)
      await client.expect(200, 'TEARDOWN', url)
      await client[Symbol.asyncDispose]()
      assert.equal((await tape?.ended)?.cause, 'unpublished')
      // Their times follow how they arrive, which on a busy machine is not every 20 ms.
      assert.deepEqual(
        tape?.units.map(({ payload }) => payload.at(-1)),
        Array.from({ length: sent }, (_, index) => index % 100),
      )
    },
  }
}

const ENCODINGS = [
  'H264',
  'H265',
  'AV1',
  'VP8',
  'VP9',
  'JPEG',
  'MP4V-ES',
  'MPEG4-GENERIC',
  'MP4A-LATM',
  'OPUS',
  'PCMA',
  'L16',
  'G722',
  'MPA',
  'AC3',
  'EAC3',
]
const PARAMETERS = new Map([
  ['mode', 'AAC-hbr'],
  ['sizelength', '13'],
  ['indexlength', '3'],
  ['indexdeltalength', '3'],
  ['config', '1190'],
])

for (const reorderMs of [0, 50]) {
  test(`RTP ${reorderMs === 0 ? 'in order' : 'in any order'}: ${INPUTS} damaged packets for every payload format (FUZZ_SEED=${SEED})`, () => {
    const dice = new Dice(SEED)
    let nowMs = 0
    const runtime = { nowMs: () => nowMs, monotonicMs: () => nowMs, newId: () => 'id', log: SILENT_LOGGER }
    const hub = new Hub(runtime, { maxPublishers: 100, gopMemoryBytes: 1e6 })
    const publisher = { protocol: 'rtsp', remoteAddress: '', connectionId: '', encoder: '', ...NO_CONNECTION_FACTS }
    const made = ENCODINGS.flatMap((encoding) => {
      const format = payloadFormat(encoding, PARAMETERS)
      if (format === undefined) return []
      const { stream, end } = hub.publish(`fuzz/${encoding}`, { ...publisher, disconnect() {} })
      const receiver = new MediaReceiver({
        stream,
        trackId: 1,
        format: { payloadType: 96, payloadFormat: format, clockRateHz: 90_000, channels: 1, parameters: PARAMETERS },
        clock: new SourceClock(),
        damaged: dice.pick(['drop', 'keep']),
        reorderMs,
        monotonicMs: runtime.monotonicMs,
        log: SILENT_LOGGER,
      })
      return [{ receiver, end, sequenceNumber: 0, timestamp: 0 }]
    })
    assert.ok(made.length >= 6)
    const seeds = new TestCamera()
      .packets(picture('key', 2000, 1), 0, 200)
      .map((bytes) => Buffer.from(bytes.subarray(12)))
    for (let input = 0; input < INPUTS; input++, nowMs += 5) {
      const target = dice.pick(made)
      const payload =
        dice.roll(4) === 0
          ? Buffer.from(Array.from({ length: dice.roll(80) }, () => dice.roll(256)))
          : mutate(dice.pick(seeds), dice, seeds)
      target.sequenceNumber += 1 + (dice.roll(20) === 0 ? dice.roll(5000) : 0)
      target.timestamp += dice.roll(3) * 3600 + (dice.roll(200) === 0 ? dice.roll(2 ** 30) : 0)
      const { sequenceNumber, timestamp } = target
      const header = {
        payloadType: 96,
        marker: dice.roll(3) === 0,
        sequenceNumber: sequenceNumber & 0xffff,
        timestamp: timestamp % 2 ** 32,
        ssrc: 1 + (dice.roll(500) === 0 ? dice.roll(3) : 0),
      }
      const packet = writeRtpPacket(header, payload)
      const bytes = dice.roll(10) === 0 ? mutate(Buffer.from(packet), dice, seeds) : packet
      target.receiver.rtp(bytes, 0, bytes.length, nowMs)
      if (dice.roll(50) === 0) target.receiver.rtcp(mutate(Buffer.from(packet), dice, seeds), nowMs)
      target.receiver.tick(nowMs)
    }
    for (const { receiver, end } of made) {
      receiver[Symbol.dispose]()
      end({ cause: 'lost', message: '' })
    }
    assert.equal(hub.payloads.inUseBytes, 0)
  })
}
