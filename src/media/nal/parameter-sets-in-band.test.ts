import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAudio, testVideo } from '#test/support/access-units.ts'
import { joinLengthPrefixed } from './length-prefixed.ts'
import { bringsParameterSets } from './parameter-sets-in-band.ts'

const DELIMITER = Uint8Array.of(0x09, 0xf0)
const SEI = Uint8Array.of(0x06, 1)
const SPS = Uint8Array.of(0x67, 0x42)
const IDR = Uint8Array.of(0x65, 1, 2, 3)
const h264 = testVideo({ codec: 'h264', configuration: Uint8Array.of(1, 0x42, 0, 30, 0xff, 0xe0) })
const h265 = testVideo({ codec: 'h265', configuration: Object.assign(new Uint8Array(23), { 21: 3 }) })

test('sets are found before the picture, whatever stands in front of them', () => {
  assert.ok(bringsParameterSets({ format: h264, payload: joinLengthPrefixed([SPS, IDR]) }))
  assert.ok(bringsParameterSets({ format: h264, payload: joinLengthPrefixed([DELIMITER, SEI, SPS, IDR]) }))
  assert.ok(bringsParameterSets({ format: h265, payload: joinLengthPrefixed([Uint8Array.of(0x42, 1)]) }))
})

test('there are none in other pictures, other codecs, nor in what is cut off', () => {
  assert.equal(bringsParameterSets({ format: h264, payload: joinLengthPrefixed([DELIMITER, IDR]) }), false)
  assert.equal(bringsParameterSets({ format: testAudio(), payload: joinLengthPrefixed([SPS]) }), false)
  assert.equal(bringsParameterSets({ format: h264, payload: Uint8Array.of(0, 0, 0, 9) }), false)
  assert.equal(bringsParameterSets({ format: h264, payload: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x67) }), false)
  assert.equal(bringsParameterSets({ format: h264, payload: new Uint8Array() }), false)
})
