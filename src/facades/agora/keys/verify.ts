import { timingSafeEqual } from 'node:crypto'
import type { KeyService, ParsedKey } from './dynamic-key.ts'
import { parseKey } from './parse.ts'
import { signatureOf } from './signing.ts'

/** Keys are good for a day from when they were made, and clocks may differ by some minutes. */
const MAX_AGE_SECONDS = 24 * 3600
const MAX_AHEAD_SECONDS = 10 * 60

/** The vendor's error numbers for keys. */
export const KEY_ERRORS = {
  invalidVendorKey: 101,
  timedOut: 109,
  invalid: 110,
  expired: 118,
} as const

export type KeyError = (typeof KEY_ERRORS)[keyof typeof KEY_ERRORS]

/** What a key is held against. */
export interface KeyExpectation {
  readonly appId: string
  /** App Certificate. */
  readonly certificate: string
  readonly channel: string
  /** Of who asks. A key made for uid 0 is good for everybody. */
  readonly uid: number
  readonly service: KeyService
  readonly nowSeconds: number
}

/** 0: the key is good; else the vendor's error number. */
export function verifyKey(text: string, expected: KeyExpectation): 0 | KeyError {
  const key = parseKey(text)
  if (key === undefined) return KEY_ERRORS.invalid
  if (key.appId.toLowerCase() !== expected.appId.toLowerCase()) return KEY_ERRORS.invalidVendorKey
  if (key.service !== undefined && key.service !== expected.service) return KEY_ERRORS.invalid
  if (![expected.uid >>> 0, 0].some((uid) => isSignedFor(uid, key, expected))) return KEY_ERRORS.invalid
  const ageSeconds = expected.nowSeconds - key.madeAtSeconds
  if (ageSeconds > MAX_AGE_SECONDS || ageSeconds < -MAX_AHEAD_SECONDS) return KEY_ERRORS.timedOut
  const isExpired = key.expiresAtSeconds !== 0 && expected.nowSeconds > key.expiresAtSeconds
  return isExpired ? KEY_ERRORS.expired : 0
}

function isSignedFor(uid: number, key: ParsedKey, { certificate, channel, service }: KeyExpectation): boolean {
  if (key.uid !== undefined && key.uid !== uid) return false
  const { version, appId, madeAtSeconds, salt, expiresAtSeconds } = key
  const facts = { appId, channel, uid, madeAtSeconds, salt, expiresAtSeconds, service }
  const signature = signatureOf(version, facts, certificate)
  if (signature === undefined) return false
  const [right, found] = [signature.toLowerCase(), key.signature.toLowerCase()].map((each) => Buffer.from(each))
  return right !== undefined && found !== undefined && right.length === found.length && timingSafeEqual(right, found)
}
