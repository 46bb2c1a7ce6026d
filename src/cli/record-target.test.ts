import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from './errors.ts'
import { recordTarget, streamPathOf } from './record-target.ts'

test('a file gives folder, name and format', () => {
  assert.deepEqual(recordTarget('out/talk.v1.mp4', '/home'), { root: '/home/out', name: 'talk.v1', format: 'mp4' })
  assert.deepEqual(recordTarget('/talk.TS', '/home'), { root: '/', name: 'talk', format: 'ts' })
  assert.deepEqual(recordTarget(undefined, '/home').root, '/home')
  assert.throws(() => recordTarget('talk.avi', '/home'), UsageError)
  assert.throws(() => recordTarget('{id}.mp4', '/home'), UsageError)
})

const SOURCES = [
  ['rtmp://host/live/cam1', 'live/cam1'],
  ['rtmp://host/live/_definst_/cam1?key=secret', 'live/cam1'],
  ['https://host/hls/a b/index.m3u8', 'a-20b/index'],
  ['../media/.hidden file.mp4', 'media/hidden-file'],
  ['in.mp4', 'record/in'],
  ['rtmp://host', 'record/source'],
  ['srt://:9710?mode=listener&passphrase=secret', 'srt/9710'],
] as const
for (const [url, path] of SOURCES) test(`stream path of ${url}`, () => assert.equal(streamPathOf(url), path))
