import type { Runtime } from '#base/runtime.ts'
import { EvoCommandError } from './errors.ts'
import type { EventType } from './events/event.ts'
import type { ValueMap } from './stream-value.ts'

/** Timers at a time. */
const MAX_TIMERS = 100

/** Longest period, and longest wait for a time of day: a day. Longer waits are cut in pieces (setTimeout has 24 days). */
const MAX_SECONDS = 86_399

const MAX_SLEEP_MS = 86_400_000

interface Timer {
  readonly id: number
  /** Seconds between two events, or the one instant as it is told. */
  readonly value: number | string
  /** Wall clock of the one event; undefined for those that come again. */
  readonly dueMs: number | undefined
  triggerCount: number
  handle: NodeJS.Timeout | undefined
}

/** Timers that send events: every so many seconds, or once at a time. Not kept over restarts, as with the vendor. */
export class Timers implements Disposable {
  readonly #runtime: Runtime
  readonly #tell: (type: EventType, payload: ValueMap) => void
  readonly #timers = new Map<number, Timer>()
  #nextId = 1

  constructor(runtime: Runtime, tell: (type: EventType, payload: ValueMap) => void) {
    this.#runtime = runtime
    this.#tell = tell
  }

  list(): ValueMap[] {
    return [...this.#timers.values()].map(timerValue)
  }

  /** @param text seconds, `YYYY-MM-DDTHH:MM:SS` or `HH:MM:SS` (today), local time. @throws {EvoCommandError} */
  add(text: string): ValueMap {
    const { value, dueMs } = this.#read(text)
    if (this.#timers.size >= MAX_TIMERS) throw new EvoCommandError(`Unable to enqueue timer: ${MAX_TIMERS} are there`)
    const timer: Timer = { id: this.#nextId++, value, dueMs, triggerCount: 0, handle: undefined }
    this.#timers.set(timer.id, timer)
    this.#tell('timerCreated', timerValue(timer))
    const added = timerValue(timer)
    this.#arm(timer)
    return added
  }

  /** @throws {EvoCommandError} there is none */
  remove(id: number): ValueMap {
    const timer = this.#timers.get(id)
    if (timer === undefined) throw new EvoCommandError(`Timer ${id} not found`)
    this.#close(timer)
    return timerValue(timer)
  }

  [Symbol.dispose](): void {
    for (const { handle } of this.#timers.values()) clearTimeout(handle)
    this.#timers.clear()
  }

  #arm(timer: Timer): void {
    const waitMs =
      timer.dueMs === undefined ? Number(timer.value) * 1000 : Math.max(0, timer.dueMs - this.#runtime.nowMs())
    timer.handle = setTimeout(() => this.#elapsed(timer), Math.min(waitMs, MAX_SLEEP_MS)).unref()
  }

  #elapsed(timer: Timer): void {
    if (timer.dueMs !== undefined && this.#runtime.nowMs() < timer.dueMs) {
      this.#arm(timer)
      return
    }
    timer.triggerCount++
    this.#tell('timerTriggered', timerValue(timer))
    if (timer.dueMs === undefined) this.#arm(timer)
    else this.#close(timer)
  }

  #close(timer: Timer): void {
    clearTimeout(timer.handle)
    this.#timers.delete(timer.id)
    this.#tell('timerClosed', timerValue(timer))
  }

  #read(text: string): Pick<Timer, 'value' | 'dueMs'> {
    if (/^\d{1,9}$/.test(text)) {
      const value = Number(text)
      if (value >= 1 && value <= MAX_SECONDS) return { value, dueMs: undefined }
    }
    const [, date = localDate(this.#runtime.nowMs()), time = ''] =
      /^(?:(\d{4}-\d\d-\d\d)T)?(\d\d:\d\d:\d\d)$/.exec(text) ?? []
    const dueMs = Date.parse(`${date}T${time}`)
    if (time === '' || Number.isNaN(dueMs)) throw new EvoCommandError('Syntax error. Parameter value is invalid')
    return { value: `${date}T${time}.000`, dueMs }
  }
}

function timerValue({ id, value, triggerCount }: Timer): ValueMap {
  return { timerId: id, triggerCount, value }
}

function localDate(atMs: number): string {
  const at = new Date(atMs)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}
