import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KeyFacts, KeyService, KeyVersion } from './dynamic-key.ts'
import { generateKey } from './generate.ts'
import { parseKey } from './parse.ts'
import { verifyKey } from './verify.ts'

const APP_ID = '970ca35de60c44645bbae8a215061b33'
const CERTIFICATE = '5cfd2fd1755d40ecb72977518be15d3b'
const CHANNEL = '7d72365eb983485397e3e3f9d460bdda'
const UID = 2882341273
const MADE_AT = 1446455472

const FACTS: KeyFacts = {
  appId: APP_ID,
  channel: CHANNEL,
  uid: UID,
  madeAtSeconds: MADE_AT,
  salt: 58964981,
  expiresAtSeconds: 1446455471,
  service: 'recording',
}

/** Published by the vendor, but for those that never expire. */
const V1 = '870588aad271ff47094eb622617e89d6b5b5a615970ca35de60c44645bbae8a215061b3314464554720383bbf5'
const V3 =
  '0037666966591a93ee5a3f712e22633f31f0cbc8f13970ca35de60c44645bbae8a215061b3314464554720383bbf528823412731446455471'
const VECTORS: readonly [KeyVersion, Partial<KeyFacts>, string][] = [
  [1, {}, V1],
  [2, {}, V3.slice(3)],
  [3, {}, V3],
  [4, {}, '004e0c24ac56aae05229a6d9389860a1a0e25e56da8970ca35de60c44645bbae8a215061b3314464554720383bbf51446455471'],
  [
    4,
    { service: 'media' },
    '004d0ec5ee3179c964fe7c0485c045541de6bff332b970ca35de60c44645bbae8a215061b3314464554720383bbf51446455471',
  ],
  [
    4,
    { service: 'sharing' },
    '004ec32c0d528e58ef90e8ff437a9706124137dc795970ca35de60c44645bbae8a215061b3314464554720383bbf51446455471',
  ],
  [
    5,
    {},
    '005AgAoADkyOUM5RTQ2MTg3QTAyMkJBQUIyNkI3QkYwMTg0MzhDNjc1Q0ZFMUEQAJcMo13mDERkW7roohUGGzOwKDdW9buDA68oN1YAAA==',
  ],
  [
    5,
    { service: 'media' },
    '005AQAoAEJERTJDRDdFNkZDNkU0ODYxNkYxQTYwOUVFNTM1M0U5ODNCQjFDNDQQAJcMo13mDERkW7roohUGGzOwKDdW9buDA68oN1YAAA==',
  ],
  [
    5,
    { service: 'sharing' },
    '005AwAoADc0QTk5RTVEQjI4MDk0NUI0NzUwNTk0MUFDMjM4MDU2NzIwREY3QjAQAJcMo13mDERkW7roohUGGzOwKDdW9buDA68oN1YAAA==',
  ],
  [
    6,
    {},
    '006970ca35de60c44645bbae8a215061b33AgAoADkyOUM5RTQ2MTg3QTAyMkJBQUIyNkI3QkYwMTg0MzhDNjc1Q0ZFMUGZCc2rsCg3VvW7gwOvKDdWAAA=',
  ],
  [
    4,
    { expiresAtSeconds: 0 },
    '004f178846ea87b48eafd06c9d6181107f8f4142a8a970ca35de60c44645bbae8a215061b3314464554720383bbf50000000000',
  ],
  [
    4,
    { expiresAtSeconds: 0, uid: 0 },
    '004e96bc13e1d856d36ce654407fb324149d33b4121970ca35de60c44645bbae8a215061b3314464554720383bbf50000000000',
  ],
  [
    5,
    { expiresAtSeconds: 0 },
    '005AgAoADc0RUE4NTgzNTdCMzIwQjk2RTJGOTgyMzM4QjJFRkUzRTZCRTlGM0IQAJcMo13mDERkW7roohUGGzOwKDdW9buDAwAAAAAAAA==',
  ],
  [
    5,
    { expiresAtSeconds: 0, uid: 0 },
    '005AgAoADE1RjFFMjgxRkJFMTk0REQ4QzZENjMwRTk1NDNENkYzNTM0RDVDOEEQAJcMo13mDERkW7roohUGGzOwKDdW9buDAwAAAAAAAA==',
  ],
]

const expected = {
  appId: APP_ID,
  certificate: CERTIFICATE,
  channel: CHANNEL,
  uid: UID,
  service: 'recording' as KeyService,
  nowSeconds: 1446455471,
}

test('All vectors of 6.1 reproduce bit for bit (generator), and verify with an injected clock; the four kinds of service do not stand in for one another (media and sharing keys: 110).', () => {
  for (const [version, facts, key] of VECTORS) {
    assert.equal(generateKey(version, { ...FACTS, ...facts }, CERTIFICATE), key)
    const isRecording = facts.service === undefined
    assert.equal(verifyKey(key, expected), isRecording ? 0 : 110, key)
    if (facts.service !== undefined) assert.equal(verifyKey(key, { ...expected, service: facts.service }), 0)
  }
  for (const version of [5, 6] as const) {
    const permission = generateKey(version, { ...FACTS, service: 'permission' }, CERTIFICATE)
    assert.equal(verifyKey(permission, expected), 110)
  }
  assert.equal(generateKey(4, { ...FACTS, service: 'permission' }, CERTIFICATE), '')
  assert.equal(generateKey(5, { ...FACTS, appId: 'nothing' }, CERTIFICATE), '')
})

test('One changed bit in any field, other channel, other uid (with no uid-0 key), other certificate, truncated, appended text, wrong base64, empty: refused, no crash, no state change.', () => {
  for (const [version, facts, key] of VECTORS) {
    if (facts.service !== undefined) continue
    for (let at = 0; at < key.length; at++) {
      for (let bit = 0; bit < 7; bit++) {
        const changed = `${key.slice(0, at)}${String.fromCharCode(key.charCodeAt(at) ^ (1 << bit))}${key.slice(at + 1)}`
        // Another case of hex digits is the same key; and the last characters of base64 may have bits that mean nothing.
        if (changed.toLowerCase() === key.toLowerCase() || isSameContent(changed, key)) continue
        assert.notEqual(verifyKey(changed, expected), 0, changed)
      }
    }
    for (const wrong of [key.slice(0, -1), key.slice(1), `${key}0`, `${key}=`, ` ${key}`]) {
      assert.notEqual(verifyKey(wrong, expected), 0, wrong)
    }
    assert.equal(verifyKey(key, { ...expected, channel: 'other' }), 110)
    assert.equal(verifyKey(key, { ...expected, certificate: APP_ID }), 110)
    assert.equal(verifyKey(key, { ...expected, appId: CERTIFICATE }), 101)
    // Version 1 knows nothing of users.
    const isForEverybody = version === 1 || facts.uid === 0
    assert.equal(verifyKey(key, { ...expected, uid: 7 }), isForEverybody ? 0 : 110)
  }
  for (const none of ['', '004invalid', '005', '005invalid', '006', '007', 'x'.repeat(5000)]) {
    assert.equal(parseKey(none), undefined, none)
    assert.equal(verifyKey(none, expected), 110)
  }
})

/** Padding bits of base64 that are not zero say the same. */
function isSameContent(left: string, right: string): boolean {
  const content = (key: string) => {
    const start = key.startsWith('005') ? 3 : 35
    return `${key.slice(0, start)}${Buffer.from(key.slice(start), 'base64').toString('hex')}`
  }
  const isPacked = right.startsWith('005') || right.startsWith('006')
  return isPacked && left.length === right.length && parseKey(left) !== undefined && content(left) === content(right)
}

test('Timestamp 24 h 1 s old: 109; expired 1 s ago: 118; expired = 0: never; uid-0 key with a non-zero uid: accepted.', () => {
  const made = (facts: Partial<KeyFacts>) => generateKey(5, { ...FACTS, ...facts }, CERTIFICATE)
  const forever = made({ expiresAtSeconds: 0 })
  const at = (nowSeconds: number) => ({ ...expected, nowSeconds })
  assert.equal(verifyKey(forever, at(MADE_AT + 86_400)), 0)
  assert.equal(verifyKey(forever, at(MADE_AT + 86_401)), 109)
  assert.equal(verifyKey(forever, at(MADE_AT - 3600)), 109)
  const short = made({ expiresAtSeconds: MADE_AT + 60 })
  assert.equal(verifyKey(short, at(MADE_AT + 60)), 0)
  assert.equal(verifyKey(short, at(MADE_AT + 61)), 118)
  assert.equal(verifyKey(made({ uid: 0, expiresAtSeconds: 0 }), at(MADE_AT)), 0)
})

test('uid 0, 1, 2147483648, 4294967295; channel of 64 bytes and with blanks; random 0 and 4294967295: v4 and v5 keys of a reference generator are accepted.', () => {
  for (const uid of [0, 1, 2_147_483_648, 4_294_967_295, -1]) {
    for (const channel of ['c'.repeat(64), 'a room with blanks', CHANNEL]) {
      for (const salt of [0, 4_294_967_295]) {
        for (const version of [1, 2, 3, 4, 5, 6] as const) {
          const key = generateKey(version, { ...FACTS, uid, channel, salt }, CERTIFICATE)
          assert.equal(verifyKey(key, { ...expected, uid: uid >>> 0, channel }), 0, `v${version} ${uid} ${channel}`)
        }
      }
    }
  }
})

test('whatever is given for a key, nothing is thrown, and what was made is read back', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 200 }),
        fc.base64String().map((text) => `005${text}`),
      ),
      (text) => {
        assert.notEqual(verifyKey(text, expected), 0)
      },
    ),
  )
  const facts = fc.record({
    channel: fc.string({ minLength: 1, maxLength: 64 }),
    uid: fc.nat(0xffff_ffff),
    salt: fc.nat(0xffff_ffff),
    madeAtSeconds: fc.nat(0xffff_ffff),
    expiresAtSeconds: fc.nat(0xffff_ffff),
  })
  fc.assert(
    fc.property(facts, fc.constantFrom<KeyVersion>(1, 2, 3, 4, 5, 6), (random, version) => {
      const key = generateKey(version, { ...FACTS, ...random }, CERTIFICATE)
      const parsed = parseKey(key)
      assert.equal(parsed?.version, version)
      assert.equal(parsed?.madeAtSeconds, random.madeAtSeconds)
      assert.equal(parsed?.salt, random.salt)
    }),
  )
})
