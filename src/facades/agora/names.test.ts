import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMetadata, writeMetadata } from './metadata-file.ts'
import { isChannelName, nameTime, parseUid, readPath } from './names.ts'

test('names of channels are those the vendor allows', () => {
  for (const name of ['a', '.hidden', 'a room', 'c'.repeat(64), '!#$%&()+-:;<=.>?@[]^_{}|~,']) {
    assert.ok(isChannelName(name), name)
  }
  for (const name of ['', 'c'.repeat(65), 'a/b', 'a\\b', 'a\0', 'ä', 'a\nb', "a'b", 'a"b', 'a*b', 'a`b']) {
    assert.ok(!isChannelName(name), name)
  }
})

test('uids are unsigned 32-bit numbers without padding', () => {
  const uids = ['0', '1', '2147483648', '4294967295']
  assert.deepEqual(uids.map(parseUid), [0, 1, 2_147_483_648, 4_294_967_295])
  for (const text of ['', '-1', '01', '4294967296', '1e3', '1.5', ' 1', 'x']) assert.equal(parseUid(text), undefined)
})

test('paths tell when their media began, also after midnight', () => {
  const nowMs = Date.UTC(2016, 5, 13, 9, 30, 15)
  assert.deepEqual(nameTime(nowMs, true), { day: '2016_06_13', time: '093015' })
  const local = nameTime(nowMs, false)
  assert.equal(readPath(local.day, `room_${local.time}`, `7_${local.time}.tmp`, false)?.startedAtMs, nowMs)
  const read = (channel: string, file: string) => readPath('2016_06_13', channel, file, true)
  assert.deepEqual(read('.a_b_093015', '123456_093015.tmp'), { uid: 123_456, startedAtMs: nowMs })
  assert.equal(read('room_235900', '1_000100_1.tmp')?.startedAtMs, Date.UTC(2016, 5, 14, 0, 1))
  assert.equal(read('room_093015_1', '1_093015_part0002.tmp')?.startedAtMs, nowMs)
  for (const file of ['1_093015.mp4', 'x_093015.tmp', '1_0930.tmp', 'Metadata.txt', '5000000000_093015.tmp']) {
    assert.equal(read('room_093015', file), undefined)
  }
  assert.equal(readPath('2016-06-13', 'room_093015', '1_093015.tmp', true), undefined)
})

test('Metadata.txt is written as the vendor prints it, and read in both forms', () => {
  const text = writeMetadata('my <room>', 'a\r\ntag </tag> & more', false)
  const lines = [
    '<version>1.0</version>',
    '<tag>a tag </tag> & more</tag>',
    '<channel name>my <room></channel name>',
    '<error status><status>',
  ]
  assert.equal(text, `${lines.join('\n')}\n`)
  const read = { version: '1.0', tag: 'a tag </tag> & more', channel: 'my <room>', errorStatus: '' }
  assert.deepEqual(readMetadata(text), read)
  assert.deepEqual(readMetadata(writeMetadata('my <room>', 'a\ntag </tag> & more', true)), read)
  assert.equal(readMetadata('<xml/>'), undefined)
})
