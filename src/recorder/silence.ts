import type { AccessUnit } from '#media/access-unit.ts'
import { OPUS_SAMPLE_RATE_HZ } from '#media/opus/opus-head.ts'
import { opusSamples } from '#media/opus/packet.ts'
import { LONGEST_SILENCE_SAMPLES, SHORTEST_SILENCE_SAMPLES, silentPacket } from '#media/opus/silence.ts'
import { type PayloadArena, PayloadMemory } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'
import { SilentAccessUnit } from './silent-access-unit.ts'

/** Less than this between two packets is how a clock was read, not something that is missing. */
const MIN_GAP_MS = 5

/**
 * A track that brings nothing while others go on is filled up to this far behind them: far enough for what is on its
 * way, and not so far that a cut would have to wait for it (see cutter.ts), nor that a WebM cluster is left behind.
 */
const BEHIND_MS = 1_500

/** Longest gap that is filled after it was over. Where other tracks went on it never grows so long. */
const MAX_GAP_MS = 10_000

const LONGEST_SILENCE_MS = (LONGEST_SILENCE_SAMPLES * 1000) / OPUS_SAMPLE_RATE_HZ

/**
 * A track that comes too late for as long as this, as fast as time passes, is on a clock that stood still while it was
 * silent: it goes on where its silence ends until that clock has caught up. What comes late in a heap is on its way to
 * its own time.
 */
const MAX_LATE_MS = 500

/** Packets hold one or two channels; what has more is made of several streams, whose silence is another. */
const MAX_CHANNELS = 2

interface SoundTrack {
  format: AudioFormat
  /** Where its sound ends, in ticks of its timescale on the recording's timeline. */
  endTicks: number
  /** From the publisher's ticks to the recording's. */
  offsetTicks: number
  isStereo: boolean
  /** How far the other tracks were when it last brought something. */
  othersMs: number
  /** It was filled since: what comes late finds its place taken. */
  isFilled: boolean
  /** How far the others were when it came too late for the first time; undefined: it is in time. */
  lateSinceMs: number | undefined
  isEnded: boolean
}

/** What becomes of silence. */
export interface SilenceEvents {
  /** To be written before anything else. Lent for the call. @param dts on the recording's timeline */
  silence(accessUnit: AccessUnit, dts: number): void
}

/**
 * Makes gaps of Opus tracks silence: a sender that is silent (DTX) or muted leaves its packets out, and networks lose
 * some. Players that count samples instead of reading timestamps, and most programs that convert sound, would play what
 * follows early. Packets of silence take the place of what is missing, in every container and in what is transcoded.
 */
export class Silence implements Disposable {
  readonly #events: SilenceEvents
  readonly #tracks: SoundTrack[] = []
  readonly #arena: PayloadArena = new PayloadMemory().arena()
  /** Furthest access unit of any track. */
  #latestMs = 0

  constructor(events: SilenceEvents) {
    this.#events = events
  }

  /**
   * Call for every access unit in its turn, before it is written.
   * @param dts on the recording's timeline
   * @returns the DTS it gets; undefined: it came so late that its time is silence already
   */
  place(accessUnit: AccessUnit, dts: number): number | undefined {
    const { format } = accessUnit
    const atMs = (dts * 1000) / format.timescale
    if (atMs > this.#latestMs) this.#latestMs = atMs
    for (let i = 0; i < this.#tracks.length; i++) {
      const track = this.#tracks[i]
      if (track !== undefined && track.format.trackId !== format.trackId) this.#keepUp(track)
    }
    if (format.codec !== 'opus' || format.channels > MAX_CHANNELS) return dts
    return this.#sound(accessUnit, format, dts)
  }

  /** The track brings nothing more for now: nobody is silent there. */
  endTrack(trackId: number): void {
    const track = this.#find(trackId)
    if (track !== undefined) track.isEnded = true
  }

  /** The publisher is gone, and may come back with other tracks. */
  endTracks(): void {
    for (const track of this.#tracks) track.isEnded = true
  }

  [Symbol.dispose](): void {
    this.#arena[Symbol.dispose]()
  }

  #sound(accessUnit: AccessUnit, format: AudioFormat, dts: number): number | undefined {
    const { memory, payloadStart, payloadBytes } = accessUnit
    const ticks = (opusSamples(memory, payloadStart, payloadBytes) * format.timescale) / OPUS_SAMPLE_RATE_HZ
    const isStereo = ((memory[payloadStart] ?? 0) & 4) !== 0
    const known = this.#find(format.trackId)
    const offsetTicks = dts - accessUnit.dts
    if (known === undefined || known.format.timescale !== format.timescale) {
      if (known !== undefined) this.#tracks.splice(this.#tracks.indexOf(known), 1)
      const rest = { othersMs: this.#latestMs, isFilled: false, lateSinceMs: undefined, isEnded: false }
      this.#tracks.push({ format, endTicks: dts + ticks, offsetTicks, isStereo, ...rest })
      return dts
    }
    known.format = format
    known.offsetTicks = offsetTicks
    known.isStereo = isStereo
    const at = this.#placeOf(known, dts, ticks)
    known.isEnded = false
    if (at === undefined) return undefined
    known.othersMs = this.#latestMs
    // What reaches over silence is moved for itself alone; on a clock that stood still, everything is.
    known.endTicks = Math.max(known.endTicks, (known.lateSinceMs === undefined ? dts : at) + ticks)
    return at
  }

  /** Fills what lies before it. Undefined: its place is taken. */
  #placeOf(track: SoundTrack, dts: number, ticks: number): number | undefined {
    const { timescale } = track.format
    const end = Math.ceil(track.endTicks)
    if (track.isFilled && dts < track.endTicks) {
      const isWhole = dts + ticks <= track.endTicks + 1
      if (!isWhole) track.lateSinceMs = undefined
      if (!isWhole) return end
      track.lateSinceMs ??= this.#latestMs
      return this.#latestMs - track.lateSinceMs < MAX_LATE_MS ? undefined : end
    }
    track.isFilled = false
    track.lateSinceMs = undefined
    if (dts - track.endTicks <= (MAX_GAP_MS * timescale) / 1000) this.#fillTo(track, dts)
    return dts
  }

  /** Others go on: what the track has not brought by now is silence. */
  #keepUp(track: SoundTrack): void {
    const silentMs = this.#latestMs - track.othersMs - BEHIND_MS
    if (silentMs < LONGEST_SILENCE_MS || track.isEnded) return
    // Whole packets of the longest kind, so that there are few of them.
    const filledMs = silentMs - (silentMs % LONGEST_SILENCE_MS)
    track.othersMs += filledMs
    this.#fillTo(track, track.endTicks + (filledMs * track.format.timescale) / 1000)
    track.isFilled = true
  }

  #fillTo(track: SoundTrack, toTicks: number): void {
    const { format } = track
    const { timescale } = format
    if (toTicks - track.endTicks < (MIN_GAP_MS * timescale) / 1000) return
    for (;;) {
      const samples = ((toTicks - track.endTicks) * OPUS_SAMPLE_RATE_HZ) / timescale
      // Half of the shortest is taken up by rounding of a timescale of milliseconds.
      const packet = silentPacket(samples + SHORTEST_SILENCE_SAMPLES / 4, track.isStereo)
      if (packet === undefined) return
      const dts = Math.round(track.endTicks)
      const reservation = this.#arena.reserve(packet.bytes.length)
      reservation.chunk.bytes.set(packet.bytes, reservation.start)
      const accessUnit = new SilentAccessUnit(format, dts - track.offsetTicks, reservation)
      track.endTicks += (packet.samples * timescale) / OPUS_SAMPLE_RATE_HZ
      this.#events.silence(accessUnit, dts)
      accessUnit.release()
    }
  }

  #find(trackId: number): SoundTrack | undefined {
    for (let i = 0; i < this.#tracks.length; i++) {
      const track = this.#tracks[i]
      if (track?.format.trackId === trackId) return track
    }
    return undefined
  }
}
