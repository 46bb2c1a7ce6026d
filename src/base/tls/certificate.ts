import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TapedeckError } from '../error.ts'
import { selfSign } from './self-signed.ts'

/** PEM texts as node:tls takes them. */
export interface CertificatePair {
  readonly certificate: string
  readonly key: string
}

export class CertificateError extends TapedeckError {
  readonly code = 'tls/certificate-unusable'
  readonly origin = 'operator'
  readonly file: string
  constructor(file: string, keys: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`the certificate or key ${file} can't be used (${reason}): check ${keys}.certificate and ${keys}.key`, {
      cause,
    })
    this.file = file
  }
}

/** Where a certificate comes from. */
export interface CertificateSource {
  /** Both empty: self-signed. */
  readonly certificateFile: string
  readonly keyFile: string
  /** Of the server. */
  readonly dataDir: string
  /** What a self-signed pair is kept as. */
  readonly name: string
  /** Section of the configuration that has the two files, for messages: `rtmp.tls`. */
  readonly keys: string
  readonly nowMs: number
}

/** Renewed when less than this is left, so that it does not expire in a running server soon after its start. */
const RENEW_BEFORE_MS = 30 * 24 * 3600 * 1000

/**
 * The configured certificate, or (with both names empty) one signed by ourselves and kept in the data folder, so that
 * clients that pin it find the same after a restart.
 * @throws {CertificateError}
 */
export async function loadCertificate(source: CertificateSource): Promise<CertificatePair> {
  const { certificateFile, keyFile, dataDir, name, keys, nowMs } = source
  if (certificateFile !== '' || keyFile !== '') {
    const certificate = await readPem(certificateFile, keys, (pem) => new X509Certificate(pem))
    const key = await readPem(keyFile, keys, (pem) => {
      const isItsKey = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(pem))
      if (!isItsKey) throw new Error('the key is not the certificate’s')
    })
    return { certificate, key }
  }
  const folder = join(dataDir, 'certificates')
  const files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  const kept = await readKept(files, nowMs)
  if (kept !== undefined) return kept
  const pair = selfSign(nowMs)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(files.key, pair.key, { mode: 0o600 })
    await writeFile(files.certificate, pair.certificate)
  } catch (error) {
    throw new CertificateError(folder, keys, error)
  }
  return pair
}

async function readPem(file: string, keys: string, check: (pem: string) => unknown): Promise<string> {
  try {
    const pem = await readFile(file, 'utf8')
    check(pem)
    return pem
  } catch (error) {
    throw new CertificateError(file === '' ? '(not set)' : file, keys, error)
  }
}

/** Undefined: none yet, half written, of another key, or about to expire; a new pair replaces it. */
async function readKept(files: CertificatePair, nowMs: number): Promise<CertificatePair | undefined> {
  try {
    const certificate = await readFile(files.certificate, 'utf8')
    const key = await readFile(files.key, 'utf8')
    const x509 = new X509Certificate(certificate)
    if (!x509.checkPrivateKey(createPrivateKey(key))) return undefined
    return Date.parse(x509.validTo) - nowMs > RENEW_BEFORE_MS ? { certificate, key } : undefined
  } catch {
    return undefined
  }
}
