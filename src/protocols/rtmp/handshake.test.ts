import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { answerHandshake, HANDSHAKE_BLOCK_BYTES, isSignedByServer, signClientBlock } from './handshake.ts'

const fresh = () => randomBytes(2 * HANDSHAKE_BLOCK_BYTES)
const hello = (c1: Uint8Array) => Buffer.concat([Uint8Array.of(3), c1])

test('handshake: zero bytes 4 to 7 get the simple answer, C1 echoed', () => {
  const c1 = randomBytes(HANDSHAKE_BLOCK_BYTES).fill(0, 4, 8)
  const { reply, kind } = answerHandshake(hello(c1), fresh())
  assert.equal(kind, 'simple')
  assert.equal(reply[0], 3)
  assert.deepEqual(Buffer.from(reply.subarray(1 + HANDSHAKE_BLOCK_BYTES)), c1)
})

test('handshake: a versioned block without a signature gets the simple answer too', () => {
  const c1 = randomBytes(HANDSHAKE_BLOCK_BYTES).fill(9, 4, 8)
  assert.equal(answerHandshake(hello(c1), fresh()).kind, 'simple')
})

for (const scheme of ['digest-0', 'digest-1'] as const) {
  test(`handshake: a signed block gets a signed answer in its layout, ${scheme}`, () => {
    for (let i = 0; i < 20; i++) {
      const c1 = randomBytes(HANDSHAKE_BLOCK_BYTES).fill(9, 4, 8)
      signClientBlock(c1, scheme)
      const { reply, kind } = answerHandshake(hello(c1), fresh())
      assert.equal(kind, scheme)
      assert.ok(isSignedByServer(reply.subarray(1, 1 + HANDSHAKE_BLOCK_BYTES), scheme))
    }
  })
}

test('handshake: other versions are refused, TLS by name', () => {
  const c1 = new Uint8Array(HANDSHAKE_BLOCK_BYTES)
  assert.throws(() => answerHandshake(Buffer.concat([Uint8Array.of(6), c1]), fresh()), {
    code: 'rtmp/handshake-invalid',
  })
  assert.throws(() => answerHandshake(Buffer.concat([Uint8Array.of(0x16), c1]), fresh()), /rtmps/)
})
