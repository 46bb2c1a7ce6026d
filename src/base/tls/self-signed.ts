import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { hostname } from 'node:os'
import type { CertificatePair } from './certificate.ts'

/** Clients of a pinned certificate should not meet a new one soon; 825 days is the most that Apple's accept. */
const VALID_DAYS = 825

/** Universal tags of ASN.1 that a certificate needs. ITU-T X.680 §8.6. */
const Tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  generalizedTime: 0x18,
} as const
const SEQUENCE = 0x30
const SET = 0x31

/** Object identifiers, encoded. */
const OID_ECDSA_WITH_SHA256 = '2a8648ce3d040302' // 1.2.840.10045.4.3.2
const OID_COMMON_NAME = '550403' // 2.5.4.3
const OID_SUBJECT_ALT_NAME = '551d11' // 2.5.29.17

/**
 * A new P-256 key and a certificate for this machine signed with it. node:crypto makes keys and signatures but no
 * certificates, and an openssl program may not be there. RFC 5280 §4.1.
 */
export function selfSign(nowMs: number): CertificatePair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(SEQUENCE, objectId(OID_ECDSA_WITH_SHA256))
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, objectId(OID_COMMON_NAME), der(Tag.utf8, Buffer.from('Tapedeck')))))
  const tbsCertificate = der(
    SEQUENCE,
    der(0xa0, der(Tag.integer, Buffer.from([2]))), // version 3
    der(Tag.integer, serialNumber()),
    algorithm,
    name, // issuer
    der(SEQUENCE, time(nowMs - 3600_000), time(nowMs + VALID_DAYS * 24 * 3600_000)),
    name, // subject
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, subjectAltName(['localhost', hostname()]))),
  )
  const signature = sign('sha256', tbsCertificate, { key: privateKey, dsaEncoding: 'der' })
  const certificate = der(SEQUENCE, tbsCertificate, algorithm, der(Tag.bitString, Buffer.from([0]), signature))
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** Names and loopback addresses the certificate is for. RFC 5280 §4.2.1.6. */
function subjectAltName(names: readonly string[]): Buffer {
  const dnsNames = names.filter((name) => /^[A-Za-z0-9.-]+$/.test(name)).map((name) => der(0x82, Buffer.from(name)))
  const ipAddresses = ['7f000001', '00000000000000000000000000000001'].map((ip) => der(0x87, Buffer.from(ip, 'hex')))
  const value = der(Tag.octetString, der(SEQUENCE, ...dnsNames, ...ipAddresses))
  return der(SEQUENCE, objectId(OID_SUBJECT_ALT_NAME), value)
}

/** Positive, and never beginning with a zero byte, as DER wants integers. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return bytes
}

/** `YYYYMMDDHHMMSSZ`. RFC 5280 wants UTCTime before 2050, but every reader takes this form. */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return der(Tag.generalizedTime, Buffer.from(`${text}Z`))
}

function objectId(encoded: string): Buffer {
  return der(Tag.objectId, Buffer.from(encoded, 'hex'))
}

/** Tag, length, value. ITU-T X.690 §8.1. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts)
  const length =
    value.length < 0x80
      ? [value.length]
      : value.length < 0x100
        ? [0x81, value.length]
        : [0x82, value.length >> 8, value.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), value])
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
