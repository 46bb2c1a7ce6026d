import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captureWords } from './capture-words.ts'

const ADDRESS = { host: '192.0.2.7:8000', port: '8000' }
const CODES = [
  'client/insecure-origin',
  'client/permission-denied',
  'client/no-device',
  'client/device-busy',
  'client/unsupported',
]

test('each thing that keeps a camera from us has words of its own, with what to do', () => {
  const words = CODES.map((code) => captureWords(code, ADDRESS))
  assert.equal(new Set(words.map(({ title }) => title)).size, CODES.length)
  assert.ok(words.every(({ advice }) => advice !== ''))
})

test('an address that is not secure: which one, and which would be', () => {
  const { title, advice } = captureWords('client/insecure-origin', ADDRESS)
  assert.match(title, /http:\/\/192\.0\.2\.7:8000/)
  assert.match(advice, /http:\/\/localhost:8000\//)
  assert.match(advice, /https:\/\//)
  const { advice: standard } = captureWords('client/insecure-origin', { host: 'cams.example', port: '' })
  assert.match(standard, /http:\/\/localhost\//)
})
