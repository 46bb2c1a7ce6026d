import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { TapedeckError } from '#base/error.ts'
import { DEFAULT_PULL_OPTIONS } from '#base/pull-options.ts'
import { RtspPull } from '#ingest/rtsp/rtsp-pull.ts'
import { writeBye, writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { rtmpFixture } from '#test/support/rtmp-fixture.ts'
import { CameraTrack } from '#test/support/scripted-camera.ts'
import { Dice, mutate } from './mutate.ts'

/** Inputs of one run; FUZZ_INPUTS and FUZZ_SEED choose others, to look further or to repeat a failure. */
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? (process.env['LONG_TESTS'] === '1' ? 100_000 : 3_000))
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const PARALLEL = 50
/** A client that waits for what the damage took is left alone. */
const PATIENCE_MS = 50

const SDP = `v=0\r\ns=Camera\r\na=control:*\r\na=range:npt=now-\r
m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=1\r
m=audio 0 RTP/AVP 8\r\na=control:trackID=2\r
m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:meta\r\n`

/** What a camera answers to one request after the other; the last answer brings the media. */
async function transcript(folder: Parameters<typeof makeSource>[0]): Promise<Buffer[]> {
  const { units } = await makeSource(folder, { video: 'h264', size: '64x36', seconds: 1 })
  const answer = (sequence: number, fields: string, body = '') =>
    Buffer.from(`RTSP/1.0 200 OK\r\nCSeq: ${sequence}\r\n${fields}\r\n${body}`)
  const session = 'Session: 1234;timeout=60\r\n'
  const transport = (first: number) => `Transport: RTP/AVP/TCP;unicast;interleaved=${first}-${first + 1}\r\n`
  const frame = (channel: number, bytes: Uint8Array) =>
    Buffer.from([0x24, channel, bytes.length >>> 8, bytes.length & 0xff, ...bytes])
  const track = new CameraTrack(96)
  const report = { ssrc: track.ssrc, wallClockMs: 1e12, rtpTimestamp: track.zero, packets: 1, payloadBytes: 1 }
  const media = units.flatMap((unit) => track.packets(unit)).map((packet) => frame(0, packet))
  return [
    answer(1, 'Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\nServer: Camera\r\n'),
    answer(2, `Content-Base: rtsp://camera/s/\r\nContent-Length: ${SDP.length}\r\n`, SDP),
    answer(3, session + transport(0)),
    answer(4, session + transport(2)),
    Buffer.concat([
      answer(5, `${session}RTP-Info: url=rtsp://camera/s/trackID=1;seq=65500;rtptime=1\r\n`),
      frame(1, writeSenderReport(report, 'camera')),
      ...media,
      frame(1, writeBye(track.ssrc)),
    ]),
  ]
}

function play(socket: Socket, answers: readonly Buffer[]): void {
  let next = 0
  const close = () => socket.destroy()
  socket.setTimeout(PATIENCE_MS, close).on('error', close)
  socket.on('data', () => {
    const answer = answers[next++]
    if (answer === undefined) close()
    else socket.write(answer)
  })
}

test(`RTSP client: ${INPUTS} damaged sessions of a camera (FUZZ_SEED=${SEED})`, async () => {
  await using fixture = await rtmpFixture()
  const healthy = await transcript(fixture.folder)
  const dice = new Dice(SEED)
  const { runtime, hub } = fixture
  const limits = { connectTimeoutMs: 5_000, idleTimeoutMs: 5_000, reorderMs: 100 }
  using source = new RtspPull({ runtime, hub, limits, ports: undefined })
  const server = createServer((socket) => {
    const damaged = dice.roll(healthy.length)
    play(
      socket,
      healthy.map((answer, index) => (index === damaged ? mutate(Buffer.from(answer), dice, healthy) : answer)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const trouble: unknown[] = []
  let streamed = 0
  let next = 0
  const work = async () => {
    while (next < INPUTS) {
      const path = `fuzz/${next++}`
      const request = { path, url: `rtsp://127.0.0.1:${port}/s`, verifyTls: true, ...DEFAULT_PULL_OPTIONS }
      const signal = new AbortController().signal
      try {
        await source.pull({ ...request, signal, onStreaming: () => streamed++ })
        trouble.push('it ended by itself')
      } catch (error) {
        if (!(error instanceof TapedeckError)) trouble.push(error)
      }
      trouble.push(...fixture.events.filter(({ event }) => event === 'hub.sink-failed' || event === 'pull.unexpected'))
      fixture.events.length = 0
      fixture.tapes.length = 0
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  server.close()
  assert.deepEqual(trouble, [])
  assert.ok(streamed > INPUTS / 4, `${streamed} brought media`)
  assert.equal(hub.size, 0, 'every stream has ended')
  assert.equal(hub.payloads.inUseBytes, 0, 'all payload memory is back')
})
