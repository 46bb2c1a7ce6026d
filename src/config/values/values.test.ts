import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { environmentName, keysOf } from '../key.ts'
import { nearest } from '../nearest.ts'
import { CONFIG_KEYS } from '../sections/all.ts'
import { parseByteSize } from './byte-size.ts'
import { formatListenAddress, isLoopback, parseListenAddress } from './listen-address.ts'

const SIZES = [
  ['4096', 4096],
  ['1KiB', 1024],
  ['1.5 MiB', 1_572_864],
  ['2gb', 2_000_000_000],
  ['1TiB', 1024 ** 4],
  ['0', 0],
  ['', undefined],
  ['1 parsec', undefined],
  ['-1', undefined],
  ['1e3', undefined],
  ['99999999999TiB', undefined],
] as const
for (const [text, bytes] of SIZES) test(`byte size ${text}`, () => assert.equal(parseByteSize(text), bytes))

const ADDRESSES = [
  ['127.0.0.1:1935', '127.0.0.1:1935'],
  ['1936', '127.0.0.1:1936'],
  [':1936', '127.0.0.1:1936'],
  ['0.0.0.0', '0.0.0.0:1935'],
  ['[::1]:9', '[::1]:9'],
  ['[::]', '[::]:1935'],
  ['studio-1.example:1', 'studio-1.example:1'],
  ['localhost:0', 'localhost:0'],
  ['127.0.0.1:65536', undefined],
  ['99999', undefined],
  ['::1:9', undefined],
  ['[127.0.0.1]:1', undefined],
  ['300.0.0.1:1', undefined],
  ['a b:1', undefined],
  ['rtmp://127.0.0.1', undefined],
] as const
for (const [text, expected] of ADDRESSES) {
  test(`listen address ${text}`, () => {
    const address = parseListenAddress(text, 1935)
    assert.equal(address === undefined ? undefined : formatListenAddress(address), expected)
  })
}

test('loopback is 127.0.0.0/8, ::1 and localhost, and nothing that merely looks like it', () => {
  for (const host of ['127.0.0.1', '127.255.0.3', '::1', 'localhost', 'LOCALHOST']) assert.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.example'])
    assert.ok(!isLoopback(host), host)
})

test('arbitrary text is an address that reads back, or none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const address = parseListenAddress(text, 1)
      if (address !== undefined) assert.deepEqual(parseListenAddress(formatListenAddress(address), 2), address)
    }),
  )
})

test('a near word is suggested, a far one is not', () => {
  assert.equal(nearest('lsiten', ['listen', 'tls']), 'listen')
  assert.equal(nearest('Level', ['level']), 'level')
  assert.equal(nearest('colour', ['data', 'node']), undefined)
})

test('no two keys share an environment variable', () => {
  const names = [...keysOf(CONFIG_KEYS)].map(([path]) => environmentName(path))
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.includes('TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES'))
})
