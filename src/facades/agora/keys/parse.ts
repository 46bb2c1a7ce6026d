import { type KeyService, type ParsedKey, SERVICE_NUMBERS } from './dynamic-key.ts'

/** No key comes near it; what does is not looked at. */
const MAX_KEY_CHARACTERS = 1024

/** Fields of fixed width: signature, App ID, time, salt, then what the version has. */
const TEXT_FIELDS = '(?<signature>[0-9a-f]{40})(?<appId>[0-9a-f]{32})(?<madeAt>[0-9]{10})(?<salt>[0-9a-f]{8})'
const TEXT_FORMS = [
  { version: 1, form: new RegExp(`^${TEXT_FIELDS}$`, 'i') },
  { version: 2, form: new RegExp(`^${TEXT_FIELDS}(?<uid>[0-9]{10})(?<expiresAt>[0-9]{10})$`, 'i') },
  { version: 3, form: new RegExp(`^003${TEXT_FIELDS}(?<uid>[0-9]{10})(?<expiresAt>[0-9]{10})$`, 'i') },
  { version: 4, form: new RegExp(`^004${TEXT_FIELDS}(?<expiresAt>[0-9]{10})$`, 'i') },
] as const

/** Standard alphabet, with its padding. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** What a key says; undefined: it is none. Whether it is true only its signature tells (verify.ts). */
export function parseKey(key: string): ParsedKey | undefined {
  if (key.length > MAX_KEY_CHARACTERS) return undefined
  for (const { version, form } of TEXT_FORMS) {
    const fields = form.exec(key)?.groups
    if (fields === undefined) continue
    const { signature = '', appId = '', madeAt, salt = '', uid, expiresAt } = fields
    return {
      version,
      appId,
      signature,
      madeAtSeconds: Number(madeAt),
      salt: Number.parseInt(salt, 16),
      expiresAtSeconds: Number(expiresAt ?? 0),
      uid: uid === undefined ? undefined : Number(uid),
      service: undefined,
    }
  }
  if (key.startsWith('005')) return packed(5, key.slice(3), undefined)
  if (key.startsWith('006')) return packed(6, key.slice(35), key.slice(3, 35))
  return undefined
}

function packed(version: 5 | 6, base64: string, appId: string | undefined): ParsedKey | undefined {
  if (base64 === '' || !BASE64.test(base64)) return undefined
  if (appId !== undefined && !/^[0-9a-f]{32}$/i.test(appId)) return undefined
  const reader = new Reader(Buffer.from(base64, 'base64'))
  const service = serviceOf(reader.u16())
  const signature = reader.text()?.toString('latin1') ?? ''
  const app = appId ?? reader.text()?.toString('hex') ?? ''
  const uid = version === 6 ? reader.u32() : undefined
  const madeAtSeconds = reader.u32()
  const salt = reader.u32()
  const expiresAtSeconds = reader.u32()
  reader.skipMap()
  const isWhole = reader.isAtEnd && /^[0-9A-F]{40}$/.test(signature) && app.length === 32
  if (!isWhole || service === undefined) return undefined
  return { version, appId: app, signature, madeAtSeconds, salt, expiresAtSeconds, uid, service }
}

function serviceOf(number: number): KeyService | undefined {
  const names = Object.keys(SERVICE_NUMBERS) as KeyService[]
  return names.find((name) => SERVICE_NUMBERS[name] === number)
}

/** Reads what is packed; beyond the end it gives zeros and is never at the end again. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  u16(): number {
    return this.#take(2)?.readUInt16LE() ?? 0
  }

  u32(): number {
    return this.#take(4)?.readUInt32LE() ?? 0
  }

  text(): Buffer | undefined {
    return this.#take(this.u16())
  }

  /** Pairs of a key and a text. */
  skipMap(): void {
    for (let pairs = this.u16(); pairs > 0 && this.#at <= this.#bytes.length; pairs--) {
      this.u16()
      this.text()
    }
  }

  #take(bytes: number): Buffer | undefined {
    const start = this.#at
    this.#at += bytes
    return this.#at > this.#bytes.length ? undefined : this.#bytes.subarray(start, this.#at)
  }
}
