/** What a key lets its bearer do; versions 1 to 3 don't say, and count as `recording`. */
export type KeyService = 'media' | 'recording' | 'sharing' | 'permission'

/** Versions by their prefix; 1 and 2 have none and are told apart by their length. */
export type KeyVersion = 1 | 2 | 3 | 4 | 5 | 6

/** What a business server knows when it makes a key. */
export interface KeyFacts {
  /** App ID, 32 hex digits. */
  readonly appId: string
  readonly channel: string
  /** Unsigned 32 bits; 0: whoever it is. */
  readonly uid: number
  /** Seconds since 1970: when the key was made. */
  readonly madeAtSeconds: number
  /** Any 32 bits. */
  readonly salt: number
  /** Seconds since 1970; 0: it never expires. */
  readonly expiresAtSeconds: number
  readonly service: KeyService
}

/** What can be read from a key without its secret. */
export interface ParsedKey {
  readonly version: KeyVersion
  readonly appId: string
  readonly signature: string
  readonly madeAtSeconds: number
  readonly salt: number
  /** 0: never; undefined: the version carries none. */
  readonly expiresAtSeconds: number
  /** Undefined: the version doesn't carry it, but signs it. */
  readonly uid: number | undefined
  /** Undefined: the version doesn't carry it (4 signs it). */
  readonly service: KeyService | undefined
}

/** Service numbers of versions 5 and 6. */
export const SERVICE_NUMBERS = { media: 1, recording: 2, sharing: 3, permission: 4 } as const

/** Service texts signed by version 4; permissions have none. */
export const SERVICE_TEXTS = { media: 'ACS', recording: 'ARS', sharing: 'APSS', permission: undefined } as const
