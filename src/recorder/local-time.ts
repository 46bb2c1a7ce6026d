/** A wall clock reading in some time zone. */
export interface LocalTime {
  /** YYYY-MM-DD */
  readonly date: string
  /** HH-MM-SS: colons aren't allowed in file names everywhere. */
  readonly time: string
}

/** What format() tells besides. */
export interface ZonedTime extends LocalTime {
  /** As people call it there at that time: `UTC`, `GMT+1`, `EST`. */
  readonly zone: string
}

/** Formats and reads wall clock times of one time zone (IANA name, e.g. `Europe/Vienna`, or `UTC`). */
export class LocalClock {
  readonly #format: Intl.DateTimeFormat

  /** @throws {RangeError} unknown time zone */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-CA-u-ca-iso8601-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'short',
    })
  }

  /** @param atMs milliseconds since 1970 UTC */
  format(atMs: number): ZonedTime {
    const parts = new Map(this.#format.formatToParts(atMs).map(({ type, value }) => [type, value]))
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? ''
    const year = part('year').padStart(4, '0')
    return {
      date: `${year}-${part('month')}-${part('day')}`,
      time: `${part('hour')}-${part('minute')}-${part('second')}`,
      zone: part('timeZoneName'),
    }
  }

  /**
   * The instant a reading stands for, milliseconds since 1970 UTC; undefined for no such date. In the hour that clocks
   * repeat in autumn, the first of the two.
   */
  read({ date, time }: LocalTime): number | undefined {
    const asUtcMs = Date.parse(`${date}T${time.replaceAll('-', ':')}Z`)
    if (Number.isNaN(asUtcMs)) return undefined
    // The offset at the instant we look for is that of one of its neighbours; the larger one gives the earlier instant.
    const offsets = [-86_400_000, 0, 86_400_000].map((aside) => this.#offsetMs(asUtcMs + aside))
    for (const offsetMs of offsets.toSorted((a, b) => b - a)) {
      const local = this.format(asUtcMs - offsetMs)
      if (local.date === date && local.time === time) return asUtcMs - offsetMs
    }
    return undefined
  }

  #offsetMs(atMs: number): number {
    const { date, time } = this.format(atMs)
    return Date.parse(`${date}T${time.replaceAll('-', ':')}Z`) - Math.floor(atMs / 1000) * 1000
  }
}
