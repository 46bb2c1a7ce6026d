import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type StreamLoss } from '#hub/stream.ts'
import { HeaderExtensions } from '#protocols/rtp/header-extensions.ts'
import { put32, RtpPacket } from '#protocols/rtp/packet.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import { fmtp } from '#protocols/rtp/payloads/fixture.test-data.ts'
import { parseRtcp } from '#protocols/rtp/rtcp.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { H264, picture, TestCamera } from '#test/support/rtp-media.ts'
import { Dice } from '../../../test/fuzz/mutate.ts'
import { type MediaFormat, MediaReceiver } from './media-receiver.ts'
import { SessionFeedback } from './session-feedback.ts'

/** FUZZ_SEED repeats a failure. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const FRAME_MS = 40
const TICK_MS = 20
const REORDER_MS = 500
const MEDIA_SSRC = 0x1234
const RTX_SSRC = 0x4321
const RTX_TYPE = 97

function videoFormat(): MediaFormat {
  const payloadFormat = payloadFormatOf(H264) ?? assert.fail()
  const parameters = fmtp(payloadFormat.parameters(H264))
  return { payloadType: 96, payloadFormat, clockRateHz: 90_000, channels: 1, parameters }
}

/** A stream, and what came out of it. */
function tapedStream(nowMs: () => number) {
  const runtime = { nowMs, monotonicMs: nowMs, newId: () => 'id', log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1e6 })
  const { stream } = hub.publish('live/cam1', {
    ...{ protocol: 'webrtc', remoteAddress: '', connectionId: '', encoder: '', ...NO_CONNECTION_FACTS },
    disconnect: () => {},
  })
  const units: { number: number; pts: number; atMs: number }[] = []
  const losses: StreamLoss[] = []
  stream.attach(
    {
      format: () => {},
      accessUnit: ({ payload, pts }) =>
        units.push({ number: Buffer.from(payload).readUInt32BE(8), pts, atMs: nowMs() }),
      lost: (loss) => losses.push(loss),
      ended: () => {},
    },
    { from: 'now', live: false },
  )
  return { stream, units, losses }
}

/** What happens later, by the millisecond. */
class Agenda {
  readonly #byMs = new Map<number, (() => void)[]>()
  nowMs = 1_000

  at(ms: number, action: () => void): void {
    const actions = this.#byMs.get(ms)
    if (actions === undefined) this.#byMs.set(ms, [action])
    else actions.push(action)
  }

  run(untilMs: number): void {
    for (; this.nowMs < untilMs; this.nowMs++) {
      for (const action of this.#byMs.get(this.nowMs) ?? []) action()
      this.#byMs.delete(this.nowMs)
    }
  }
}

/** With a transport-wide number in a header extension of id 3. */
function numbered(packet: Uint8Array, transportSequence: number): Uint8Array {
  const bytes = new Uint8Array(packet.length + 8)
  bytes.set(packet.subarray(0, 12))
  bytes[0] = 0x90
  bytes.set([0xbe, 0xde, 0, 1, 0x31, (transportSequence >>> 8) & 0xff, transportSequence & 0xff, 0], 12)
  bytes.set(packet.subarray(12), 20)
  return bytes
}

function retransmission(packet: Uint8Array, sequenceNumber: number): Uint8Array {
  const bytes = new Uint8Array(packet.length + 2)
  bytes.set(packet.subarray(0, 12))
  bytes.set(packet.subarray(2, 4), 12)
  bytes.set(packet.subarray(12), 14)
  bytes[1] = ((bytes[1] ?? 0) & 0x80) | RTX_TYPE
  bytes[2] = sequenceNumber >>> 8
  bytes[3] = sequenceNumber
  put32(bytes, 8, RTX_SSRC)
  return bytes
}

interface Conditions {
  readonly seconds: number
  /** Both ways. */
  readonly lostPercent: number
  readonly jitterMs: number
  /** Nothing gets through. */
  readonly outage?: { readonly fromMs: number; readonly toMs: number }
  readonly picturesPerGop: number
  /** How long the camera can send a packet again. */
  readonly rememberMs?: number
  /** The first so many requests for a picture are in vain. */
  readonly deafFor?: number
}

/** Runs a camera that answers to feedback, over a bad path, by a clock of its own. */
function simulate(conditions: Conditions) {
  const { seconds, lostPercent, jitterMs, outage, picturesPerGop, rememberMs = 10_000 } = conditions
  let { deafFor = 0 } = conditions
  const agenda = new Agenda()
  const dice = new Dice(SEED)
  const camera = new TestCamera(MEDIA_SSRC, 0xfff0)
  const { stream, units, losses } = tapedStream(() => agenda.nowMs)
  const startMs = agenda.nowMs
  const isOut = () => {
    const atMs = agenda.nowMs - startMs
    return outage !== undefined && atMs >= outage.fromMs && atMs < outage.toMs
  }
  const send = (bytes: Uint8Array, arrive: (bytes: Uint8Array) => void, mayBeLost = true) => {
    if (mayBeLost && (isOut() || dice.roll(100) < lostPercent)) return
    agenda.at(agenda.nowMs + 20 + dice.roll(jitterMs + 1), () => arrive(bytes))
  }

  /** By sequence number: the packet, when it was sent, and when it first arrived. */
  const history = new Map<number, { bytes: Uint8Array; sentMs: number; order: number; arrivedMs: number }>()
  let transportSequence = 65_000
  const arrivals = new Map<number, number>()
  let rtxSequence = 65_530
  let sentAgain = 0
  const askedForPicturesMs: number[] = []
  let wantsKey = false
  const toldArrivals = new Map<number, number>()
  let reports = 0

  const control = (bytes: Uint8Array) => {
    for (const packet of parseRtcp(bytes)) {
      if (packet.kind === 'pictureLoss' && deafFor-- <= 0) wantsKey = true
      if (packet.kind !== 'nack') continue
      for (const sequenceNumber of packet.sequenceNumbers) {
        const sent = history.get(sequenceNumber)
        if (sent === undefined || agenda.nowMs - sent.sentMs > rememberMs) continue
        sentAgain++
        const again = numbered(retransmission(sent.bytes, rtxSequence++ & 0xffff), transportSequence)
        sendMedia(again, sent)
      }
    }
  }
  const feedback = new SessionFeedback({
    monotonicMs: () => agenda.nowMs,
    ...{ ssrc: 1, name: 'tapedeck', transportWide: true, estimate: true, maxBitrateBps: 2_500_000, reducedSize: true },
    send: (bytes) => {
      for (const packet of parseRtcp(bytes)) {
        if (packet.kind === 'pictureLoss') askedForPicturesMs.push(agenda.nowMs)
        if (packet.kind === 'receiverReport') reports++
        if (packet.kind !== 'transportFeedback') continue
        for (const [index, arrivalMs] of packet.arrivalsMs.entries()) {
          if (arrivalMs !== undefined) toldArrivals.set((packet.firstSequence + index) & 0xffff, arrivalMs)
        }
      }
      send(bytes, control)
    },
  })
  const medium = feedback.medium({ nack: true, pictureLoss: true, reorderMs: REORDER_MS })
  const receiver = new MediaReceiver({
    ...{ stream, trackId: 1, format: videoFormat(), clock: new SourceClock(), damaged: 'drop' },
    ...{ reorderMs: REORDER_MS, feedback: medium, monotonicMs: () => agenda.nowMs, log: SILENT_LOGGER },
  })
  const extensions = new HeaderExtensions({ transportSequence: 3 })
  const packet = new RtpPacket()
  const sendMedia = (bytes: Uint8Array, sent: { arrivedMs: number }, mayBeLost = true) => {
    transportSequence = (transportSequence + 1) & 0xffff
    const arrive = (arrived: Uint8Array) => {
      sent.arrivedMs = Math.min(sent.arrivedMs, agenda.nowMs)
      assert.ok(packet.parse(arrived))
      extensions.read(packet)
      arrivals.set(extensions.transportSequence, agenda.nowMs)
      feedback.arrived(packet, extensions.transportSequence, agenda.nowMs)
      if (packet.payloadType === RTX_TYPE) receiver.retransmission(packet, arrived, agenda.nowMs)
      else receiver.rtp(arrived, 0, arrived.length, agenda.nowMs)
    }
    send(bytes, arrive, mayBeLost)
  }

  let pictures = 0
  let sinceKey = 0
  const endMs = startMs + seconds * 1000
  const shoot = () => {
    const isKey = pictures === 0 || wantsKey || sinceKey >= picturesPerGop
    if (isKey) wantsKey = false
    sinceKey = isKey ? 1 : sinceKey + 1
    const accessUnit = picture(isKey ? 'key' : 'inter', 60 + ((pictures * 137) % 900), pictures % 100)
    Buffer.from(accessUnit.buffer, accessUnit.byteOffset).writeUInt32BE(pictures, 8)
    // What comes first and last can't be missed: nothing before, or behind, tells of it.
    const mayBeLost = pictures > 0 && agenda.nowMs < endMs - 2_000
    for (const bytes of camera.packets(accessUnit, pictures * FRAME_MS)) {
      const sent = { bytes, sentMs: agenda.nowMs, order: history.size, arrivedMs: Number.POSITIVE_INFINITY }
      history.set(((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0), sent)
      sendMedia(numbered(bytes, transportSequence), sent, mayBeLost)
    }
    pictures++
  }
  for (let atMs = startMs; atMs < endMs; atMs += FRAME_MS) agenda.at(atMs, shoot)
  for (let atMs = startMs; atMs < endMs + 2_000; atMs += TICK_MS) {
    agenda.at(atMs, () => {
      receiver.tick(agenda.nowMs)
      feedback.tick(agenda.nowMs)
    })
  }
  agenda.run(endMs + 2_000)
  receiver.flush()
  const sent = [...history.values()].toSorted((a, b) => a.order - b.order)
  return {
    units,
    losses,
    sent,
    medium,
    arrivals,
    toldArrivals,
    askedForPicturesMs,
    sentAgain,
    pictures,
    reports,
    startMs,
  }
}

/** Which packets cannot have been repaired, and which may have come too late. */
function judge(sent: ReturnType<typeof simulate>['sent']) {
  const never = new Set<number>()
  const late = new Set<number>()
  let behindMs = Number.POSITIVE_INFINITY
  for (const { order, arrivedMs } of sent.toReversed()) {
    if (arrivedMs === Number.POSITIVE_INFINITY) never.add(order)
    else if (arrivedMs > behindMs + REORDER_MS) late.add(order)
    behindMs = Math.min(behindMs, arrivedMs)
  }
  return { never, late }
}

test(`with 5 % lost and 50 ms of jitter, only what could not be repaired is told as lost, and exactly that (FUZZ_SEED=${SEED})`, () => {
  const result = simulate({ seconds: 120, lostPercent: 5, jitterMs: 50, picturesPerGop: 50 })
  const { never, late } = judge(result.sent)
  const told = result.losses.reduce((sum, { packets }) => sum + packets, 0)
  assert.ok(told >= never.size && told <= never.size + late.size, `${told} told, ${never.size} lost, ${late.size} late`)
  assert.ok(told < result.sent.length / 1000, `${told} of ${result.sent.length}`)
  assert.ok(result.medium.repairedPackets > result.sent.length / 50, `${result.medium.repairedPackets} repaired`)
  if (told > 0) return
  assert.deepEqual(
    result.units.map(({ number }) => number),
    Array.from({ length: result.pictures }, (_, index) => index),
  )
  for (const { number, pts } of result.units) assert.equal(pts - (result.units[0]?.pts ?? 0), number * FRAME_MS * 90)
})

test(`what an outage takes is told as lost, and a new picture is asked for at once, then each second (FUZZ_SEED=${SEED})`, () => {
  const outage = { fromMs: 10_000, toMs: 12_000 }
  const result = simulate({
    ...{ seconds: 30, lostPercent: 0, jitterMs: 10, outage, picturesPerGop: 1_000, rememberMs: 600, deafFor: 2 },
  })
  const { never, late } = judge(result.sent)
  const told = result.losses.reduce((sum, { packets }) => sum + packets, 0)
  assert.ok(never.size > 0)
  assert.ok(told >= never.size && told <= never.size + late.size, `${told} told, ${never.size} lost, ${late.size} late`)
  const asked = result.askedForPicturesMs.map((atMs) => atMs - result.startMs).filter((atMs) => atMs > outage.fromMs)
  const [first = 0, second = 0, third = 0, ...others] = asked
  const givenUpMs = outage.toMs + REORDER_MS
  assert.ok(first >= givenUpMs && first <= givenUpMs + 100, `first asked ${first} ms`)
  for (const pauseMs of [second - first, third - second]) assert.ok(pauseMs >= 1_000 && pauseMs <= 1_100, `${pauseMs}`)
  assert.deepEqual(others, [])
  const firstBack = result.units.find(({ atMs }) => atMs > result.startMs + outage.toMs + 100)
  assert.ok((firstBack?.atMs ?? 0) - result.startMs <= third + 150)
  const lostTicks = result.losses.reduce((sum, { fromDts, toDts }) => sum + toDts - fromDts, 0)
  const before = result.units.findLast(({ number }) => number < (firstBack?.number ?? 0))
  assert.equal(lostTicks, (firstBack?.pts ?? 0) - (before?.pts ?? 0), 'the account covers what is missing, once')
})

test(`every arrival is told to the sender, retransmissions among them (FUZZ_SEED=${SEED})`, () => {
  const { arrivals, toldArrivals, sentAgain, reports } = simulate({
    ...{ seconds: 20, lostPercent: 5, jitterMs: 50, picturesPerGop: 25 },
  })
  assert.ok(sentAgain > 0)
  assert.deepEqual(toldArrivals, arrivals)
  assert.ok(reports >= 20)
})
