/**
 * The load generator for WebRTC, a process of its own: connects publishers over ICE, DTLS and SRTP and plays the same
 * prepared RTP on each of them in real time, paced as browsers do. Prints a line of JSON when all are connected, one
 * whenever `count` is asked for, and one when all is sent.
 *
 *   node bench/support/webrtc-load.ts whip|channels|rooms|janus <address> <from> <publishers> <media> <kbps>
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseRtcp } from '#protocols/rtp/rtcp.ts'
import { OfferingTransport } from '#test/support/webrtc-offerer.ts'
import { readAnswer, writeOffer } from '#test/support/webrtc-sdp.ts'
import { ScriptedSource } from '#test/support/webrtc-source.ts'
import { room } from './room-signalling.ts'
import { streamInChannel } from './two-party.ts'
import { type PreparedMedia, preparePackets, readWebrtcMedia } from './webrtc-media.ts'
import { janus, type Signalling, whip } from './webrtc-signalling.ts'

/** Publishers begin spread over this time, so that their key frames don't fall together. */
const STAGGER_MS = 2_000
const TICK_MS = 5
/** Who is late catches up at this many packets a tick: all at once would be a burst that no network delivers. */
const MAX_PACKETS_PER_TICK = 6
const REPORT_MS = 1_000
/** The same on every connection: they share nothing. */
const SSRCS = { video: { media: 0x1000, rtx: 0x1001 }, audio: { media: 0x2000, rtx: 0x2001 } } as const
/** What was sent last is answered for this long. */
const LAST_REPAIRS_MS = 700

const [kind, address, from, publishers, mediaPath, kbps] = process.argv.slice(2)
if (kbps === undefined || address === undefined || mediaPath === undefined) {
  throw new Error('usage: webrtc-load.ts whip|channels|rooms|janus <address> <from> <publishers> <media> <kbps>')
}
const signallings: Readonly<Record<string, (address: string) => Signalling>> = {
  janus: (base) => janus(base, 1234),
  channels: (base) => whip(base, streamInChannel),
  rooms: room,
}
const signalling = (signallings[kind ?? ''] ?? whip)(address)
const { units } = await readWebrtcMedia(mediaPath)
let media: PreparedMedia | undefined
const bySequence = new Map<string, Uint8Array>()

const totals = { packets: 0, bytes: 0, retransmitted: 0, pictureLosses: 0, refused: 0 }

class Publisher {
  readonly #transport: OfferingTransport
  readonly #end: () => Promise<void>
  readonly #sources: readonly ScriptedSource[]
  #startMs = 0
  #reportedMs = 0
  #next = 0
  #rtxSequence = 1

  private constructor(transport: OfferingTransport, sources: readonly ScriptedSource[], end: () => Promise<void>) {
    this.#transport = transport
    this.#sources = sources
    this.#end = end
    transport.onPacket = (bytes) => this.#received(bytes)
  }

  static async connect(index: number): Promise<Publisher> {
    const transport = await OfferingTransport.open(from)
    const { answer, end } = await signalling(
      writeOffer(transport.local, {
        media: [
          { codecs: ['opus'], mid: '0', direction: 'sendonly', ssrcs: SSRCS.audio },
          { codecs: ['h264'], mid: '1', direction: 'sendonly', ssrcs: SSRCS.video },
        ],
      }),
      index,
    )
    const read = readAnswer(answer)
    const sources = read.media.map((medium) => {
      const { media: ssrc, rtx: rtxSsrc } = medium.kind === 'video' ? SSRCS.video : SSRCS.audio
      return new ScriptedSource({ medium, ssrc, rtxSsrc, rid: undefined, firstSequenceNumber: 0, firstTimestamp: 0 })
    })
    if (media === undefined) {
      media = preparePackets(units, sources, Number(kbps))
      for (const { source, sequenceNumber, bytes } of media.packets) {
        bySequence.set(`${source.ssrc} ${sequenceNumber}`, bytes)
      }
    }
    const publisher = new Publisher(transport, sources, end)
    transport.accept(read.transport)
    await transport.reached('connected', 30_000)
    return publisher
  }

  begin(atMs: number): void {
    this.#startMs = atMs
  }

  /** Sends what is due; false: all is sent. */
  tick(nowMs: number, packets: PreparedMedia['packets']): boolean {
    const dueMs = nowMs - this.#startMs
    for (let sent = 0; sent < MAX_PACKETS_PER_TICK; sent++) {
      const packet = packets[this.#next]
      if (packet === undefined) return false
      if (packet.atMs > dueMs) break
      latestMs = Math.max(latestMs, dueMs - packet.atMs)
      if (!this.#transport.send(packet.bytes)) totals.refused++
      totals.packets++
      totals.bytes += packet.bytes.length
      this.#next++
    }
    if (dueMs - this.#reportedMs >= REPORT_MS) {
      this.#reportedMs = dueMs
      for (const source of this.#sources) this.#transport.send(source.report(Date.now(), dueMs))
    }
    return true
  }

  #received(bytes: Uint8Array): void {
    for (const packet of parseRtcp(bytes)) {
      if (packet.kind === 'pictureLoss') totals.pictureLosses++
      if (packet.kind !== 'nack') continue
      for (const sequenceNumber of packet.sequenceNumbers) this.#repeat(packet.ssrc, sequenceNumber)
    }
  }

  /** By RTX (RFC 4588), without header extensions: their numbers may be used once only. */
  #repeat(ssrc: number, sequenceNumber: number): void {
    const bytes = bySequence.get(`${ssrc} ${sequenceNumber}`)
    const source = this.#sources.find((each) => each.ssrc === ssrc)
    if (bytes === undefined || source === undefined) return
    const at = ((bytes[0] ?? 0) & 0x10) === 0 ? 12 : 16 + 4 * (((bytes[14] ?? 0) << 8) | (bytes[15] ?? 0))
    const { rtxPayloadType } = source.medium
    totals.retransmitted++
    if (rtxPayloadType === undefined) {
      this.#transport.send(bytes)
      return
    }
    const repeated = Buffer.alloc(14 + bytes.length - at)
    repeated.set(bytes.subarray(0, 8))
    repeated[0] = 0x80
    repeated[1] = ((bytes[1] ?? 0) & 0x80) | rtxPayloadType
    repeated.writeUInt16BE(this.#rtxSequence++ & 0xffff, 2)
    repeated.writeUInt32BE(source.rtxSsrc, 8)
    repeated.writeUInt16BE(sequenceNumber, 12)
    repeated.set(bytes.subarray(at), 14)
    this.#transport.send(repeated)
  }

  async end(): Promise<void> {
    await this.#end()
    this.#transport[Symbol.dispose]()
  }
}

let latestMs = 0
const connected: Publisher[] = []
for (let index = 0; index < Number(publishers); index++) connected.push(await Publisher.connect(index))
const { packets, accessUnits, durationMs } = media ?? { packets: [], accessUnits: 0, durationMs: 0 }
console.log(JSON.stringify({ connected: connected.length }))
// Whoever measures says when to begin.
await once(process.stdin, 'data')
const beginMs = performance.now() + 200
for (const [index, publisher] of connected.entries()) publisher.begin(beginMs + (index * STAGGER_MS) / connected.length)
const cpuBefore = process.cpuUsage()
const count = () => console.log(JSON.stringify({ packets: totals.packets }))
process.stdin.on('data', count)
for (;;) {
  const nowMs = performance.now()
  let unfinished = 0
  for (const publisher of connected) if (publisher.tick(nowMs, packets)) unfinished++
  if (unfinished === 0) break
  await sleep(TICK_MS)
}
process.stdin.off('data', count)
const cpu = process.cpuUsage(cpuBefore)
await sleep(LAST_REPAIRS_MS)
console.log(
  JSON.stringify({
    ...totals,
    accessUnits: accessUnits * connected.length,
    durationMs,
    latestMs: Math.round(latestMs),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  }),
)
await once(process.stdin, 'data')
for (const publisher of connected) await publisher.end()
process.exit(0)
