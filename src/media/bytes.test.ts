import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '#test/support/bytes.ts'
import { ByteReader, be, bytesEqual, concatBytes, startsWithAscii } from './bytes.ts'

test('big-endian integers and slices', () => {
  const reader = new ByteReader(hex('01 0203 040506 ffffffff aabb'), 'test')
  assert.deepEqual([reader.u8(), reader.u16(), reader.u24(), reader.u32()], [1, 0x203, 0x40506, 0xffff_ffff])
  assert.equal(reader.remaining, 2)
  assert.deepEqual(reader.slice(2), hex('aabb'))
  assert.throws(() => reader.u8(), { code: 'media/bitstream-invalid' })
})

test('helpers', () => {
  assert.deepEqual(be(4, 0xffff_fffe), hex('fffffffe'))
  assert.deepEqual(concatBytes([hex('01'), hex(''), hex('0203')]), hex('010203'))
  assert.ok(bytesEqual(hex('0102'), hex('0102')))
  assert.ok(!bytesEqual(hex('0102'), hex('010203')))
  assert.ok(!bytesEqual(hex('0102'), hex('0103')))
  assert.ok(startsWithAscii(hex('664c614300'), 'fLaC'))
  assert.ok(!startsWithAscii(hex('664c61'), 'fLaC'))
})
