import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32Mpeg } from './crc32.ts'
import { programAssociation, programMap } from './section.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const NONE = new Uint8Array()

test('sections: the tables FFmpeg writes for one programme of H.264 and AAC, CRC included', () => {
  assert.equal(hex(programAssociation()), '00b00d0001c100000001f0002ab104b2')
  const streams = [
    { streamType: 0x1b, pid: 0x100, descriptors: NONE },
    { streamType: 0x0f, pid: 0x101, descriptors: NONE },
  ]
  assert.equal(hex(programMap(0, 0x100, streams)), '02b0170001c10000e100f0001be100f0000fe101f0002f44b99b')
})

test('sections: version and descriptors', () => {
  const map = programMap(5, 0x101, [{ streamType: 6, pid: 0x101, descriptors: Uint8Array.of(5, 4, 79, 112, 117, 115) }])
  assert.equal(hex(map.subarray(5, 23)), 'cb0000e101f00006e101f00605044f707573')
  assert.equal(crc32Mpeg(map), 0, 'a section with its CRC leaves no rest')
})
