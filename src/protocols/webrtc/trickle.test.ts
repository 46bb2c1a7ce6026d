import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors } from '#test/support/bytes.ts'
import { parseTrickleFragment } from './trickle.ts'

/** RFC 9725 §4.3.2, figure 5. */
const FRAGMENT = [
  'a=ice-ufrag:EsAw',
  'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 0',
  'a=mid:0',
  'a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1',
  'a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw network-id 2',
  'a=end-of-candidates',
  '',
].join('\r\n')

test('a fragment of the RFC', () => {
  const { ufrag, pwd, candidates, isComplete } = parseTrickleFragment(FRAGMENT)
  assert.deepEqual([ufrag, pwd, candidates.length, isComplete], ['EsAw', 'P2uYro0UCOQ4zxjKXaWCBui1', 2, true])
  assert.match(candidates[0] ?? '', /^1387637174 1 udp 2122260223 192\.0\.2\.1 61764 typ host/)
})

test('what is no fragment is refused, whatever it is', () => {
  for (const text of [
    'hello',
    '{"candidate":""}',
    `${FRAGMENT}x`,
    'a=candidate:\r\n'.repeat(101),
    'a=x\n'.repeat(9e3),
  ]) {
    assert.throws(() => parseTrickleFragment(text), { code: 'webrtc/bad-offer' }, text.slice(0, 40))
  }
  assertThrowsOnlyTapedeckErrors(
    (bytes) => parseTrickleFragment(Buffer.from(bytes).toString()),
    [Buffer.from(FRAGMENT)],
  )
})
