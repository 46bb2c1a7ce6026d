import type { TrackFormat } from '#media/track.ts'
import type {
  GapDocument,
  LedgerDocument,
  LedgerTrackDocument,
  PartTrackDocument,
} from '#storage/recording-document.ts'

/** Most gaps kept one by one; later ones of the same cause and track widen the last, so that a bad night stays small. */
const MAX_GAPS = 1_000

/** Gaps of one cause on one track closer than this are one gap. */
const MERGE_WITHIN_MS = 1_000

interface TrackAccount {
  /** As of the newest access unit: a publisher that reconnects may number its tracks anew. */
  kind: 'video' | 'audio'
  codec: string
  transcoded: string | undefined
  received: number
  written: number
  lost: number
}

/**
 * The account of a recording: every access unit that belongs to it was received, and ends as written or lost. What is
 * neither is on its way to the disk (promise 2).
 */
export class Ledger {
  readonly #tracks = new Map<number, TrackAccount>()
  readonly #gaps: GapDocument[] = []
  #writtenBytes = 0

  /** Continues the account of an earlier session of the same recording (append). */
  static from(document: LedgerDocument): Ledger {
    const ledger = new Ledger()
    for (const { trackId, kind, codec, transcoded, received, written, lost } of document.tracks) {
      ledger.#tracks.set(trackId, { kind, codec, transcoded, received, written, lost })
    }
    ledger.#gaps.push(...document.gaps)
    return ledger
  }

  get writtenBytes(): number {
    return this.#writtenBytes
  }

  received(format: TrackFormat): void {
    this.#account(format).received++
  }

  /** @param sourceAccessUnits those that were received and end in what was written; 1 of what is not transcoded */
  written(format: TrackFormat, payloadBytes: number, sourceAccessUnits = 1): void {
    this.#account(format).written += sourceAccessUnits
    this.#writtenBytes += payloadBytes
  }

  /** Counts access units that came and were lost at once. */
  receivedLost(format: TrackFormat, accessUnits: number): void {
    const account = this.#account(format)
    account.received += accessUnits
    account.lost += accessUnits
  }

  /** Counts lost access units; the time range and cause are noted by `gap`. */
  lost(format: TrackFormat, accessUnits: number): void {
    this.#account(format).lost += accessUnits
  }

  /** What was written is gone with its file. */
  vanished(trackId: number, accessUnits: number): void {
    const account = this.#tracks.get(trackId)
    if (account === undefined) return
    account.written -= accessUnits
    account.lost += accessUnits
  }

  /** Takes over what was written by others, so long ago that nobody knows what was received. */
  adopt(tracks: readonly PartTrackDocument[]): void {
    for (const { trackId, kind, codec, accessUnits } of tracks) {
      const counts = { received: accessUnits, written: accessUnits, lost: 0 }
      this.#tracks.set(trackId, { kind, codec, transcoded: undefined, ...counts })
    }
  }

  /** Notes a gap, or widens the last one when it goes on. Gives the gap when it is a new one. */
  gap(gap: GapDocument): GapDocument | undefined {
    const last = this.#gaps.findLastIndex((known) => known.track === gap.track && known.cause === gap.cause)
    const known = this.#gaps[last]
    if (known !== undefined && (gap.fromMs - known.toMs < MERGE_WITHIN_MS || this.#gaps.length >= MAX_GAPS)) {
      this.#gaps[last] = {
        ...known,
        fromMs: Math.min(known.fromMs, gap.fromMs),
        toMs: Math.max(known.toMs, gap.toMs),
        missingMs: known.missingMs + gap.missingMs,
        accessUnits: known.accessUnits + gap.accessUnits,
        packets: known.packets + gap.packets,
      }
      return undefined
    }
    this.#gaps.push(gap)
    return gap
  }

  /** Sums over all tracks. */
  totals(): { received: number; written: number; lost: number } {
    const totals = { received: 0, written: 0, lost: 0 }
    for (const account of this.#tracks.values()) {
      totals.received += account.received
      totals.written += account.written
      totals.lost += account.lost
    }
    return totals
  }

  toDocument(): LedgerDocument {
    const tracks: LedgerTrackDocument[] = []
    for (const [trackId, { transcoded, ...account }] of this.#tracks) {
      tracks.push({ trackId, ...account, ...(transcoded !== undefined && { transcoded }) })
    }
    return { tracks, gaps: [...this.#gaps] }
  }

  #account(format: TrackFormat): TrackAccount {
    let account = this.#tracks.get(format.trackId)
    if (account === undefined) {
      account = { kind: format.kind, codec: format.codec, transcoded: undefined, received: 0, written: 0, lost: 0 }
      this.#tracks.set(format.trackId, account)
    }
    account.kind = format.kind
    // What is counted is what arrived; what comes out of the transcoder only says what became of it.
    if (format.kind === 'audio' && format.transcodedFrom !== undefined) account.transcoded = format.codec
    else account.codec = format.codec
    return account
  }
}

/** A gap as the document has it, noted now. */
export function gapNow(
  nowMs: number,
  gap: Pick<GapDocument, 'track' | 'fromMs' | 'toMs' | 'accessUnits' | 'cause'> & Partial<GapDocument>,
): GapDocument {
  return { missingMs: 0, packets: 0, ...gap, at: new Date(nowMs).toISOString() }
}
