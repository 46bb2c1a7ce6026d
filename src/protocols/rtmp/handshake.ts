import { createHmac } from 'node:crypto'
import { RtmpHandshakeError } from './errors.ts'

/** C1, S1, C2 and S2 are all this long. Adobe RTMP 1.0 §5.2. */
export const HANDSHAKE_BLOCK_BYTES = 1536
/** C0 and C1, what the client sends first. */
export const CLIENT_HELLO_BYTES = 1 + HANDSHAKE_BLOCK_BYTES
const VERSION = 3
const DIGEST_BYTES = 32

/**
 * Keys of the digest handshake, which Adobe never published but every implementation shares: the text alone signs the
 * first block, text and tail together the second.
 */
const KEY_TAIL = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex')
const PLAYER_TEXT = Buffer.from('Genuine Adobe Flash Player 001')
const SERVER_TEXT = Buffer.from('Genuine Adobe Flash Media Server 001')
const SERVER_KEY = Buffer.concat([SERVER_TEXT, KEY_TAIL])

/** Where the four bytes are whose sum gives the digest's place, and where that count starts. Two layouts are in use. */
const SCHEMES = [
  { name: 'digest-0', sumAt: 8, baseAt: 12 },
  { name: 'digest-1', sumAt: 772, baseAt: 776 },
] as const
type Scheme = (typeof SCHEMES)[number]
/** The digest lies within the first 728 bytes after its layout's base. */
const DIGEST_RANGE = 728

export type HandshakeKind = 'simple' | Scheme['name']

/**
 * S0, S1 and S2 in one piece, the answer to C0 and C1. A client that signed its block gets signed blocks in the layout
 * it used, any other gets the simple handshake of Adobe RTMP 1.0 §5.2.
 * @param hello C0 and C1
 * @param random 2 × HANDSHAKE_BLOCK_BYTES of fresh random bytes
 * @throws {RtmpHandshakeError} version other than 3
 */
export function answerHandshake(hello: Uint8Array, random: Uint8Array): { reply: Uint8Array; kind: HandshakeKind } {
  const version = hello[0] ?? 0
  if (version !== VERSION) throw new RtmpHandshakeError(version)
  const c1 = hello.subarray(1, CLIENT_HELLO_BYTES)
  const reply = new Uint8Array(1 + 2 * HANDSHAKE_BLOCK_BYTES)
  reply[0] = VERSION
  reply.set(random.subarray(0, 2 * HANDSHAKE_BLOCK_BYTES), 1)
  const s1 = reply.subarray(1, 1 + HANDSHAKE_BLOCK_BYTES)
  const s2 = reply.subarray(1 + HANDSHAKE_BLOCK_BYTES)
  s1.fill(0, 0, 8) // time and zero

  const scheme = SCHEMES.find((candidate) => isSigned(c1, candidate))
  if (scheme === undefined) {
    s2.set(c1)
    return { reply, kind: 'simple' }
  }
  s1.set([4, 5, 0, 1], 4) // a server version: non-zero announces the digest
  s1.set(blockDigest(s1, digestOffset(s1, scheme), SERVER_TEXT), digestOffset(s1, scheme))
  const clientDigestAt = digestOffset(c1, scheme)
  const clientDigest = c1.subarray(clientDigestAt, clientDigestAt + DIGEST_BYTES)
  const key = createHmac('sha256', SERVER_KEY).update(clientDigest).digest()
  const signedBytes = HANDSHAKE_BLOCK_BYTES - DIGEST_BYTES
  s2.set(createHmac('sha256', key).update(s2.subarray(0, signedBytes)).digest(), signedBytes)
  return { reply, kind: scheme.name }
}

/** C0 and C1 of the simple handshake. Adobe RTMP 1.0 §5.2. @param random HANDSHAKE_BLOCK_BYTES of fresh random bytes */
export function clientHello(random: Uint8Array): Uint8Array {
  const hello = new Uint8Array(CLIENT_HELLO_BYTES)
  hello[0] = VERSION
  hello.set(random.subarray(0, HANDSHAKE_BLOCK_BYTES), 1)
  return hello.fill(0, 1, 9) // time and zero: no version, so no signature is expected
}

/** Signs a C1 as Flash players do: for tests and clients of ours. Changes the block. */
export function signClientBlock(c1: Uint8Array, kind: Exclude<HandshakeKind, 'simple'>): void {
  const scheme = kind === 'digest-0' ? SCHEMES[0] : SCHEMES[1]
  const at = digestOffset(c1, scheme)
  c1.set(blockDigest(c1, at, PLAYER_TEXT), at)
}

/** Whether an S1 carries the server's signature: what a Flash player checks. */
export function isSignedByServer(s1: Uint8Array, kind: Exclude<HandshakeKind, 'simple'>): boolean {
  const at = digestOffset(s1, kind === 'digest-0' ? SCHEMES[0] : SCHEMES[1])
  return blockDigest(s1, at, SERVER_TEXT).equals(s1.subarray(at, at + DIGEST_BYTES))
}

function isSigned(c1: Uint8Array, scheme: Scheme): boolean {
  const isUnversioned = c1[4] === 0 && c1[5] === 0 && c1[6] === 0 && c1[7] === 0
  if (isUnversioned) return false
  const at = digestOffset(c1, scheme)
  return blockDigest(c1, at, PLAYER_TEXT).equals(c1.subarray(at, at + DIGEST_BYTES))
}

function digestOffset(block: Uint8Array, { sumAt, baseAt }: Scheme): number {
  let sum = 0
  for (let i = 0; i < 4; i++) sum += block[sumAt + i] ?? 0
  return baseAt + (sum % DIGEST_RANGE)
}

/** HMAC of the block without the digest's own place. */
function blockDigest(block: Uint8Array, digestAt: number, key: Uint8Array): Buffer {
  return createHmac('sha256', key)
    .update(block.subarray(0, digestAt))
    .update(block.subarray(digestAt + DIGEST_BYTES, HANDSHAKE_BLOCK_BYTES))
    .digest()
}
