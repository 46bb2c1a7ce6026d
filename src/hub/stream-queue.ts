import type { AccessUnit } from '#media/access-unit.ts'
import { type DataMessage, heldBytes } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'
import { GopGate } from './gop-gate.ts'
import type { StreamEnd, StreamSink } from './stream.ts'

/** What a consumer takes out, in the stream's order. */
export type StreamItem =
  | { readonly kind: 'accessUnit'; readonly accessUnit: AccessUnit; readonly startsGop: boolean }
  | { readonly kind: 'format'; readonly format: TrackFormat }
  | { readonly kind: 'data'; readonly message: DataMessage }
  | { readonly kind: 'lost'; readonly accessUnits: number; readonly bytes: number }
  | { readonly kind: 'ended'; readonly end: StreamEnd }

/**
 * A byte-bounded queue between a stream and a consumer that may be slow (a player). When full it loses whole GOPs and
 * says so with a `lost` item in their place. The consumer releases each access unit it takes.
 */
export class StreamQueue implements StreamSink, Disposable {
  readonly #gate: GopGate
  readonly #capacityBytes: number
  readonly #onReadable: () => void
  #items: StreamItem[] = []
  #queuedBytes = 0
  #lostAccessUnits = 0
  #lostBytes = 0
  #closed = false

  /** @param onReadable called when an item arrives in the empty queue; take items then or later, not within the call */
  constructor(capacityBytes: number, onReadable: () => void) {
    this.#gate = new GopGate(capacityBytes)
    this.#capacityBytes = capacityBytes
    this.#onReadable = onReadable
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get hasItems(): boolean {
    return this.#items.length > 0
  }

  accessUnit(accessUnit: AccessUnit, startsGop: boolean): void {
    if (this.#closed) return
    if (!this.#gate.admits(accessUnit, startsGop, this.#queuedBytes)) {
      this.#lostAccessUnits++
      this.#lostBytes += accessUnit.payloadBytes
      return
    }
    this.#reportLoss()
    this.#queuedBytes += accessUnit.payloadBytes
    this.#push({ kind: 'accessUnit', accessUnit: accessUnit.retain(), startsGop })
  }

  format(format: TrackFormat): void {
    this.#push({ kind: 'format', format })
  }

  /** What does not fit is left out. */
  data(message: DataMessage): void {
    if (this.#queuedBytes + heldBytes(message) > this.#capacityBytes) return
    this.#queuedBytes += heldBytes(message)
    this.#push({ kind: 'data', message })
  }

  ended(end: StreamEnd): void {
    this.#reportLoss()
    this.#push({ kind: 'ended', end })
  }

  /** Everything queued; the consumer now owns the access units in it. */
  takeAll(): StreamItem[] {
    const items = this.#items
    this.#items = []
    this.#queuedBytes = 0
    return items
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const item of this.takeAll()) if (item.kind === 'accessUnit') item.accessUnit.release()
  }

  #reportLoss(): void {
    if (this.#lostAccessUnits === 0) return
    this.#push({ kind: 'lost', accessUnits: this.#lostAccessUnits, bytes: this.#lostBytes })
    this.#lostAccessUnits = 0
    this.#lostBytes = 0
  }

  #push(item: StreamItem): void {
    if (this.#closed) return
    const wasEmpty = this.#items.length === 0
    this.#items.push(item)
    if (wasEmpty) this.#onReadable()
  }
}
