import type { Value } from './values.ts'

/** Of a configuration, by the vendor's numbers. */
export const STATUS = {
  streaming: 0,
  connecting: 1,
  waiting: 2,
  connected: 3,
  disconnected: 4,
  failed: 5,
} as const
/** One of {@link STATUS}. */
export type StatusCode = (typeof STATUS)[keyof typeof STATUS]

const DESCRIPTIONS: Readonly<Record<StatusCode, string>> = {
  0: 'Streaming',
  1: 'Connecting',
  2: 'Waiting for stream',
  3: 'Connected',
  4: 'Disconnected',
  5: 'Connection failed',
}

/** A configuration that lost its stream is queued again after this time. */
const QUEUED_AGAIN_MS = 1_000

interface State {
  readonly code: StatusCode
  readonly atMs: number
  /** 0: none. */
  readonly uniqueStreamId: number
}

/** What a configuration does now, and what it did before. */
export class Status {
  #current: State
  #previous: State

  constructor(nowMs: number) {
    this.#current = { code: STATUS.waiting, atMs: nowMs, uniqueStreamId: 0 }
    this.#previous = this.#current
  }

  set(code: StatusCode, nowMs: number, uniqueStreamId = 0): void {
    this.#queueAgain(nowMs)
    if (code === this.#current.code && uniqueStreamId === this.#current.uniqueStreamId) return
    this.#previous = this.#current
    this.#current = { code, atMs: nowMs, uniqueStreamId }
  }

  toValue(nowMs: number): Value {
    this.#queueAgain(nowMs)
    return { current: stateValue(this.#current), previous: stateValue(this.#previous) }
  }

  #queueAgain(nowMs: number): void {
    const { code, atMs } = this.#current
    if (code !== STATUS.disconnected || nowMs - atMs < QUEUED_AGAIN_MS) return
    this.#previous = this.#current
    this.#current = { code: STATUS.waiting, atMs: atMs + QUEUED_AGAIN_MS, uniqueStreamId: 0 }
  }
}

function stateValue({ code, atMs, uniqueStreamId }: State): Value {
  return { code, description: DESCRIPTIONS[code], timestamp: Math.floor(atMs / 1000), uniqueStreamId }
}
