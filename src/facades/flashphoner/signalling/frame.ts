import { isMapping } from '#config/values/record.ts'
import { Fields } from './fields.ts'

/** One message of the signalling: its name, and the one thing that clients put behind it. spec section 7. */
export interface Frame {
  readonly message: string
  /** Empty when the client sent `null` or nothing. */
  readonly data: Fields
}

/** Undefined: not what any client of the vendor's sends. Never throws. */
export function readFrame(text: string): Frame | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isMapping(value) || typeof value['message'] !== 'string') return undefined
  const { data } = value
  return { message: value['message'], data: Fields.of(Array.isArray(data) ? data[0] : undefined) }
}

/** Clients read the first element of `data` before anything else: it is always an array. */
export function writeFrame(message: string, ...data: readonly unknown[]): string {
  return JSON.stringify({ message, data })
}
