import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as breathe } from 'node:timers/promises'
import { TapedeckError } from '#base/error.ts'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { WEBRTC_AUDIO_CODECS, WEBRTC_VIDEO_CODECS } from '#base/webrtc-codecs.ts'
import { Hub } from '#hub/hub.ts'
import { PublishSession } from '#ingest/webrtc/publish-session.ts'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { writeBye, writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { writeAnswer } from '#protocols/webrtc/answer.ts'
import { parseOffer } from '#protocols/webrtc/description.ts'
import { negotiateReceiving } from '#protocols/webrtc/negotiation.ts'
import { parseTrickleFragment } from '#protocols/webrtc/trickle.ts'
import { Dice, mutate } from './mutate.ts'

/** Inputs of one run; FUZZ_INPUTS and FUZZ_SEED choose others, to look further or to repeat a failure. */
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? (process.env['LONG_TESTS'] === '1' ? 100_000 : 4_000))
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
/** The test runner and its time limits live in the same thread. */
const SLICE = 200

const VECTORS = join(import.meta.dirname, '../vectors/webrtc')
const OFFERS = ['chromium-156', 'chromium-156-simulcast', 'gstreamer-like'].map((name) =>
  readFileSync(join(VECTORS, `${name}.sdp`)),
)
const ALL = { video: WEBRTC_VIDEO_CODECS, audio: WEBRTC_AUDIO_CODECS }
const TRANSPORT = { ufrag: 'abcd', pwd: 'p'.repeat(22), fingerprint: 'sha-256 0A', setup: 'active', candidates: [] }

/** Does it so often, a slice at a time. */
async function often(what: (dice: Dice, index: number) => void): Promise<void> {
  const dice = new Dice(SEED)
  for (let index = 0; index < INPUTS; index++) {
    what(dice, index)
    if (index % SLICE === SLICE - 1) await breathe()
  }
}

test(`offers of any kind are answered or refused (seed ${SEED})`, { timeout: 600_000 }, async () => {
  let answered = 0
  await often((dice, index) => {
    const bytes = mutate(Buffer.from(dice.pick(OFFERS)), dice, OFFERS)
    const sdp = bytes.toString()
    try {
      const offer = parseOffer(sdp)
      const { answered: media } = negotiateReceiving(offer, ALL, 1_000_000)
      const answer = writeAnswer({ sessionId: '1', transport: TRANSPORT, media, allowsMixedExtensions: false })
      // Nothing of the offer may begin a line of its own.
      const lines = answer.split('\r\n')
      assert.equal(lines.filter((line) => line.startsWith('m=')).length, offer.media.length)
      assert.ok(lines.every((line) => line === '' || /^[a-z]=[^\r\n]*$/.test(line)))
      answered++
    } catch (error) {
      assert.ok(error instanceof TapedeckError, `input ${index} of seed ${SEED}: ${String(error)}\n${sdp}`)
    }
  })
  assert.ok(answered > INPUTS / 20, `only ${answered} were good enough to be answered`)
})

test(`fragments of any kind are read or refused (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const fragment = Buffer.from(
    'a=ice-ufrag:EsAw\r\na=ice-pwd:P2uY\r\nm=audio 9 X 0\r\na=mid:0\r\na=candidate:1 1 udp 2 ::1 9\r\n',
  )
  await often((dice) => {
    try {
      parseTrickleFragment(mutate(Buffer.from(fragment), dice, [fragment]).toString())
    } catch (error) {
      assert.ok(error instanceof TapedeckError, String(error))
    }
  })
})

test(`whatever comes over a connection, a session goes on (seed ${SEED})`, { timeout: 600_000 }, async () => {
  let nowMs = 0
  const runtime = { nowMs: () => nowMs, monotonicMs: () => nowMs, newId: () => 'id', log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1024 * 1024 })
  const negotiation = negotiateReceiving(parseOffer(OFFERS[0]?.toString() ?? ''), ALL, 1_000_000)
  const facts = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0, encoder: '', query: {} }
  const session = new PublishSession({
    ...{ connectionId: 'id', path: 'live/fuzz', request: { path: 'live/fuzz', sdp: '', ...facts } },
    ...{ negotiation, maxBitrateBps: 1_000_000, hub, runtime, log: SILENT_LOGGER },
    limits: { jitterMs: 100, damaged: 'drop', idleTimeoutMs: 2 ** 31 },
    send: () => {},
    disconnect: () => {},
  })
  session.connected({ remoteAddress: '', remotePort: 0 })
  const packets: Buffer[] = []
  for (const [index, { offered, format, retransmissionType }] of negotiation.media.entries()) {
    const ssrc = offered.ssrcs[0] ?? index
    for (const payloadType of [format.payloadType, retransmissionType ?? 99]) {
      const header = { payloadType, marker: true, sequenceNumber: 100 * index, timestamp: 9000, ssrc }
      packets.push(Buffer.from(writeRtpPacket(header, Buffer.alloc(80, 0x65))))
    }
    const report = { ssrc, wallClockMs: 1.7e12, rtpTimestamp: 9000, packets: 1, payloadBytes: 8 }
    packets.push(Buffer.from(writeSenderReport(report, 'fuzz')), Buffer.from(writeBye(ssrc)))
  }
  await often((dice, index) => {
    const packet = Buffer.from(dice.pick(packets))
    packet.writeUInt16BE(index & 0xffff, 2)
    nowMs += dice.roll(10)
    session.packet(mutate(packet, dice, packets), nowMs)
    if (index % 10 === 0) session.tick(nowMs)
  })
  assert.equal(hub.size, 1)
  assert.ok(hub.payloads.inUseBytes < 64 * 1024 * 1024, `${hub.payloads.inUseBytes} bytes are held`)
  session.end({ cause: 'unpublished', message: 'enough' })
  assert.equal(hub.size, 0)
})
