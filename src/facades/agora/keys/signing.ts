import { createHmac } from 'node:crypto'
import { type KeyFacts, type KeyVersion, SERVICE_NUMBERS, SERVICE_TEXTS } from './dynamic-key.ts'

const HEX_32 = /^[0-9a-f]{32}$/i

/** App IDs and certificates are 32 hex digits. */
export function isHexId(text: string): boolean {
  return HEX_32.test(text)
}

/**
 * The signature of a key: 40 hex digits, lower case up to version 4, upper case from version 5 on.
 * Undefined: the version can't say this.
 * @param certificate App Certificate, 32 hex digits; its characters are the secret up to version 4, its bytes after
 */
export function signatureOf(version: KeyVersion, facts: KeyFacts, certificate: string): string | undefined {
  if (version >= 5) {
    const secret = Buffer.from(certificate, 'hex')
    return createHmac('sha1', secret).update(packedMessage(facts)).digest('hex').toUpperCase()
  }
  const message = textMessage(version, facts)
  return message === undefined ? undefined : createHmac('sha1', certificate).update(message).digest('hex')
}

function textMessage(version: KeyVersion, facts: KeyFacts): string | undefined {
  const { appId, channel, uid, madeAtSeconds, salt, expiresAtSeconds, service } = facts
  const common = `${appId}${decimal(madeAtSeconds)}${hex(salt)}${channel}`
  if (version === 1) return common
  const whole = `${common}${decimal(uid >>> 0)}${decimal(expiresAtSeconds)}`
  if (version < 4) return whole
  const text = SERVICE_TEXTS[service]
  return text === undefined ? undefined : `${text}${whole}`
}

/** Numbers of ten digits, as `%010u`. */
export function decimal(value: number): string {
  return String(value).padStart(10, '0')
}

/** Numbers of eight hex digits, as `%08x`. */
export function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}

function packedMessage(facts: KeyFacts): Buffer {
  const { appId, channel, uid, madeAtSeconds, salt, expiresAtSeconds, service } = facts
  return Buffer.concat([
    u16(SERVICE_NUMBERS[service]),
    text(Buffer.from(appId, 'hex')),
    u32(madeAtSeconds),
    u32(salt),
    text(Buffer.from(channel)),
    u32(uid),
    u32(expiresAtSeconds),
    EMPTY_MAP,
  ])
}

/** No key of ours carries anything extra. */
export const EMPTY_MAP = Buffer.alloc(2)

/** Little-endian, as all of versions 5 and 6. */
export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value & 0xffff)
  return bytes
}

/** Little-endian, modulo 2^32. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

/** A length of 16 bits and the bytes. */
export function text(bytes: Buffer): Buffer {
  return Buffer.concat([u16(bytes.length), bytes])
}
