import type { NameText } from './request.ts'

/** Text as a file name shall have it, before it is made safe: without some characters, then encoded. */
export function encodeNameText(text: string, { exclude = '', encoding = 'none' }: NameText): string {
  const excluded = new Set(exclude)
  const left = excluded.size === 0 ? text : Array.from(text, (one) => (excluded.has(one) ? '' : one)).join('')
  return encoding === 'none' ? left : Buffer.from(left.toWellFormed(), 'utf8').toString(encoding)
}

/** The text that was encoded; undefined when it can't have been. What was left out stays out. */
export function decodeNameText(text: string, { encoding = 'none' }: NameText): string | undefined {
  if (encoding === 'none') return text
  const bytes = Buffer.from(text, encoding)
  return bytes.toString(encoding) === text ? bytes.toString('utf8') : undefined
}
