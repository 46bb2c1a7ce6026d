import { type KeyFacts, type KeyVersion, SERVICE_NUMBERS } from './dynamic-key.ts'
import { decimal, EMPTY_MAP, hex, isHexId, signatureOf, text, u16, u32 } from './signing.ts'

/**
 * Makes a Dynamic Key as a customer's business server does; empty, as the vendor's own generators give, when the App ID
 * or certificate isn't 32 hex digits, or the version can't say what is asked.
 */
export function generateKey(version: KeyVersion, facts: KeyFacts, certificate: string): string {
  if (!isHexId(facts.appId) || !isHexId(certificate)) return ''
  const signature = signatureOf(version, facts, certificate)
  if (signature === undefined) return ''
  const { appId, uid, madeAtSeconds, salt, expiresAtSeconds, service } = facts
  const common = `${signature}${appId}${decimal(madeAtSeconds)}${hex(salt)}`
  const signed = text(Buffer.from(signature))
  switch (version) {
    case 1:
      return common
    case 2:
      return `${common}${decimal(uid >>> 0)}${decimal(expiresAtSeconds)}`
    case 3:
      return `003${common}${decimal(uid >>> 0)}${decimal(expiresAtSeconds)}`
    case 4:
      return `004${common}${decimal(expiresAtSeconds)}`
    case 5: {
      const app = text(Buffer.from(appId, 'hex'))
      const rest = [u32(madeAtSeconds), u32(salt), u32(expiresAtSeconds), EMPTY_MAP]
      return `005${Buffer.concat([u16(SERVICE_NUMBERS[service]), signed, app, ...rest]).toString('base64')}`
    }
    case 6: {
      const rest = [u32(uid), u32(madeAtSeconds), u32(salt), u32(expiresAtSeconds), EMPTY_MAP]
      return `006${appId}${Buffer.concat([u16(SERVICE_NUMBERS[service]), signed, ...rest]).toString('base64')}`
    }
  }
}
