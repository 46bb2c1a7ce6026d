import type { Stream } from '#hub/stream.ts'
import { isVideoCodec } from '#media/codec.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import type { PayloadArena, Reservation } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import { LossReport } from '../../rtp/loss-report.ts'
import type { TrackFrame, UnitHead } from './wire.ts'

/** Times before the source's zero (edit lists, reordering at the start) stay positive. */
const LEAD_SECONDS = 10

/** One track of a reading process → a track of a stream. */
export class TrackInput implements Disposable {
  readonly #stream: Stream
  readonly #arena: PayloadArena
  readonly #loss: LossReport
  readonly #keepsDamaged: boolean
  #format: TrackFormat
  #lastDts = Number.NEGATIVE_INFINITY
  /** Nothing is written until a random access point comes: something before it is missing. */
  #waits = false

  /** @throws {TapedeckError} the configuration is malformed */
  constructor(stream: Stream, frame: TrackFrame, keepsDamaged: boolean) {
    this.#stream = stream
    this.#arena = stream.payloads.arena()
    this.#loss = new LossReport(stream)
    this.#keepsDamaged = keepsDamaged
    this.#format = formatOf(frame)
    stream.setFormat(this.#format)
  }

  /** @throws {TapedeckError} the configuration is malformed */
  changed(frame: TrackFrame): void {
    this.#format = formatOf(frame)
    this.#stream.setFormat(this.#format)
  }

  place(bytes: number): Reservation {
    return this.#arena.reserve(bytes)
  }

  /** On the way to the reading process, somewhere before the next access unit. */
  packetsLost(count: number): void {
    this.#loss.packets(count)
  }

  write(head: UnitHead, reservation: Reservation): void {
    const format = this.#format
    const lead = LEAD_SECONDS * format.timescale
    const { isRandomAccess } = head
    const dts = head.dts + lead
    if (!this.#isWanted(head)) {
      reservation.chunk.release()
      this.#loss.unit()
      this.#loss.report(format, this.#lastDts, dts)
      return
    }
    this.#loss.flush(format, this.#lastDts, dts)
    this.#lastDts = dts
    const pts = Math.max(dts, head.pts + lead)
    this.#stream.write(this.#stream.accessUnits.make(format, { dts, pts, isRandomAccess }, reservation))
  }

  #isWanted({ isDamaged, isUnusable, isRandomAccess }: UnitHead): boolean {
    if (isUnusable) {
      this.#waits = true
      return false
    }
    if (this.#keepsDamaged) return true
    // Sound does not refer to what came before.
    if (this.#format.kind === 'audio') return !isDamaged
    if (isDamaged) this.#waits = true
    else if (isRandomAccess) this.#waits = false
    return !this.#waits
  }

  /** What is lost and not yet told is told. */
  [Symbol.dispose](): void {
    this.#loss.flush(this.#format, this.#lastDts)
    this.#arena[Symbol.dispose]()
  }
}

function formatOf(frame: TrackFrame): TrackFormat {
  const { codec } = frame
  const made = { ...frame, configuration: new Uint8Array(Buffer.from(frame.configuration, 'base64')) }
  return isVideoCodec(codec) ? makeVideoFormat({ ...made, codec }) : makeAudioFormat({ ...made, codec })
}
