/** How facts are put into words and figures. Pure, so that the tests need no browser. */

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
const RATE_UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'] as const

/** Decimal units as disks are sold: `17 B`, `2.41 MB`, `128 GB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, SIZE_UNITS)
}

/** `2.5 Mbit/s`; nothing measured yet gives a dash. */
export function formatBitrate(bitsPerSecond: number): string {
  return bitsPerSecond > 0 ? scaled(bitsPerSecond, RATE_UNITS) : '–'
}

/** Clock form of a length in milliseconds, rounded down: `0:07`, `12:34`, `1:02:03`. Hours don't wrap into days. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** A span in words, in the largest unit that divides it evenly: `1 h`, `90 s`, `2.5 s`. */
export function formatSpan(seconds: number): string {
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60} min`
  return `${Number(seconds.toFixed(3))} s`
}

/** A length as ISO 8601, for the `datetime` attribute: `PT754S`. */
export function isoDuration(milliseconds: number): string {
  return `PT${Math.max(0, Math.floor(milliseconds / 1000))}S`
}

/** Time of day for a moment of today, else with its date, in the reader's own language and zone. */
export function formatMoment(iso: string, nowMs: number, locale?: string, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone }
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', ...zone })
  const time = new Intl.DateTimeFormat(locale, { timeStyle: 'short', ...zone })
  const moment = new Date(iso)
  if (Number.isNaN(moment.getTime())) return iso
  const isToday = day.format(moment) === day.format(new Date(nowMs))
  return isToday ? `today, ${time.format(moment)}` : `${day.format(moment)}, ${time.format(moment)}`
}

/** `1 gap`, `3 gaps`, `1,204 lost`. Give the plural where it is not the singular and an s. */
export function count(value: number, singular: string, plural = `${singular}s`): string {
  return `${value.toLocaleString('en')} ${value === 1 ? singular : plural}`
}

/** Three significant figures in the largest unit that leaves at least 1. */
function scaled(value: number, units: readonly string[]): string {
  let rest = Math.max(0, value)
  let unit = 0
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2
  return `${Number(rest.toFixed(digits))} ${units[unit] ?? ''}`
}
