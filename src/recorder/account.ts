import type { StreamLoss } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import {
  type GapCause,
  type GapDocument,
  type LedgerDocument,
  type PartDocument,
  type PartTrackDocument,
  receivedUnits,
} from '#storage/recording-document.ts'
import { gapNow, Ledger } from './ledger.ts'
import type { TrackLoss } from './part-tracks.ts'
import type { TimelineGap } from './timeline.ts'

export interface AccountEvents {
  received(): void
  lost(accessUnits: number, cause: GapCause): void
  gap(gap: GapDocument): void
}

/** Keeps a recording's ledger: every access unit once, every loss with its gap, and tells of both. */
export class Account {
  readonly #ledger: Ledger
  readonly #events: AccountEvents
  readonly #nowMs: () => number

  /** @param previous the account of an earlier session of the same recording (append) */
  constructor(previous: LedgerDocument | undefined, events: AccountEvents, nowMs: () => number) {
    this.#ledger = previous === undefined ? new Ledger() : Ledger.from(previous)
    this.#events = events
    this.#nowMs = nowMs
  }

  received(format: TrackFormat): void {
    this.#ledger.received(format)
    this.#events.received()
  }

  written({ format, payloadBytes, sourceAccessUnits }: AccessUnit): void {
    this.#ledger.written(format, payloadBytes, sourceAccessUnits)
  }

  lost({ format, accessUnits, fromMs, toMs }: TrackLoss, cause: GapCause): void {
    this.#ledger.lost(format, accessUnits)
    this.#events.lost(accessUnits, cause)
    this.#note(gapNow(this.#nowMs(), { track: format.trackId, fromMs, toMs, accessUnits, cause }))
  }

  /**
   * The network, or whatever the loss says, took it before it was ours. @param missingMs at least so much
   */
  lostOnTheWay(
    { format, accessUnits, packets, cause = 'network' }: StreamLoss,
    fromMs: number,
    toMs: number,
    missingMs = 0,
  ): void {
    this.#ledger.receivedLost(format, accessUnits)
    for (let i = 0; i < accessUnits; i++) this.#events.received()
    this.#events.lost(accessUnits, cause)
    const range = { fromMs, toMs, missingMs: Math.max(missingMs, toMs - fromMs) }
    this.#note(gapNow(this.#nowMs(), { track: format.trackId, ...range, accessUnits, packets, cause }))
  }

  /** What had been written is gone with its file. */
  vanished(tracks: readonly PartTrackDocument[], fromMs: number, toMs: number): void {
    for (const track of tracks) {
      const { trackId } = track
      const accessUnits = receivedUnits(track)
      this.#ledger.vanished(trackId, accessUnits)
      this.#events.lost(accessUnits, 'disk')
      this.#note(gapNow(this.#nowMs(), { track: trackId, fromMs, toMs, accessUnits, cause: 'disk' }))
    }
  }

  /** The publisher was away, or its clock jumped: nothing that was received is missing. */
  interrupted(gap: TimelineGap): void {
    this.#note(gapNow(this.#nowMs(), { track: 0, ...gap, accessUnits: 0, cause: 'publisher' }))
  }

  /** Takes over what a file held that no recording knew. */
  adopt(part: PartDocument): void {
    this.#ledger.adopt(part.tracks)
  }

  totals(): ReturnType<Ledger['totals']> {
    return this.#ledger.totals()
  }

  toDocument(): LedgerDocument {
    return this.#ledger.toDocument()
  }

  #note(gap: GapDocument): void {
    const noted = this.#ledger.gap(gap)
    if (noted !== undefined) this.#events.gap(noted)
  }
}
