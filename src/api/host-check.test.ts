import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOurHost } from './host-check.ts'

const LOOPBACK = { host: '127.0.0.1', port: 8000 }
const EVERYWHERE = { host: '0.0.0.0', port: 8000 }
const CASES = [
  { header: '127.0.0.1:8000', listen: LOOPBACK, ours: true },
  { header: 'localhost:8000', listen: LOOPBACK, ours: true },
  { header: 'LOCALHOST.:8000', listen: LOOPBACK, ours: true },
  { header: '[::1]:8000', listen: LOOPBACK, ours: true },
  { header: '127.0.0.1', listen: { host: '127.0.0.1', port: 80 }, ours: true },
  { header: '127.0.0.1:8001', listen: LOOPBACK, ours: false },
  { header: 'evil.example:8000', listen: LOOPBACK, ours: false },
  { header: '127.0.0.1.evil.example:8000', listen: LOOPBACK, ours: false },
  { header: 'localhost.evil.example:8000', listen: LOOPBACK, ours: false },
  { header: '192.168.1.5:8000', listen: LOOPBACK, ours: false },
  { header: '192.168.1.5:8000', listen: EVERYWHERE, ours: true },
  { header: '[2001:db8::1]:8000', listen: { host: '::', port: 8000 }, ours: true },
  { header: 'evil.example:8000', listen: EVERYWHERE, ours: false },
  { header: 'rec.example:8000', listen: { host: 'rec.example', port: 8000 }, ours: true },
  { header: 'user@127.0.0.1:8000', listen: LOOPBACK, ours: false },
  { header: '127.0.0.1:8000/x', listen: LOOPBACK, ours: false },
  { header: '', listen: LOOPBACK, ours: false },
  { header: undefined, listen: LOOPBACK, ours: false },
]

for (const { header, listen, ours } of CASES) {
  test(`Host ${header} at ${listen.host}:${listen.port} is ${ours ? 'ours' : 'not ours'}`, () => {
    assert.equal(isOurHost(header, listen, []), ours)
  })
}

test('configured hosts are ours, with any port or with the one named', () => {
  assert.equal(isOurHost('rec.example', LOOPBACK, ['rec.example']), true)
  assert.equal(isOurHost('Rec.Example:443', LOOPBACK, ['rec.example']), true)
  assert.equal(isOurHost('rec.example:444', LOOPBACK, ['rec.example:443']), false)
  assert.equal(isOurHost('[2001:db8::1]:9000', LOOPBACK, ['[2001:db8::1]:9000']), true)
})
