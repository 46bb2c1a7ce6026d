import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamPathError } from '#hub/stream-path.ts'
import { parseMediaName } from './media-name.ts'

const NAMES = [
  { sent: 'x', name: ['', 'x', '', 'flv'] },
  { sent: 'mp4:x', name: ['mp4', 'x', '', 'mp4'] },
  { sent: 'MP4:x.mp4', name: ['mp4', 'x', '.mp4', 'mp4'] },
  { sent: 'mp4:samplerec.mp4?token=1', name: ['mp4', 'samplerec', '.mp4', 'mp4'] },
  { sent: 'mp4:x.F4V', name: ['mp4', 'x', '.F4V', 'mp4'] },
  { sent: 'f4v:x', name: ['f4v', 'x', '', 'mp4'] },
  { sent: 'flv:x', name: ['flv', 'x', '', 'flv'] },
  { sent: 'flv:x.mp4', name: ['flv', 'x.mp4', '', 'flv'] },
  { sent: 'mp4:x.flv', name: ['mp4', 'x.flv', '', 'mp4'] },
  { sent: 'x.flv', name: ['', 'x', '.flv', 'flv'] },
  { sent: 'x.mp4', name: ['', 'x', '.mp4', 'mp4'] },
  { sent: 'a/b/c', name: ['', 'a/b/c', '', 'flv'] },
  { sent: 'x?token=1', name: ['', 'x', '', 'flv'] },
  { sent: 'cam:1', name: ['', 'cam:1', '', 'flv'] },
  { sent: 'my.cam', name: ['', 'my.cam', '', 'flv'] },
]
for (const { sent, name } of NAMES) {
  test(`stream name ${sent}`, () => {
    const { prefix, base, extension, format } = parseMediaName(sent)
    assert.deepEqual([prefix, base, extension, format], name)
  })
}

for (const sent of [
  '',
  'mp4:',
  'mp4:.mp4',
  '?x=1',
  '/etc/x',
  'mp4:/etc/x',
  'mp3:x',
  'raw:x',
  'id3:x',
  '/',
  'mp4:?a=b',
]) {
  test(`stream name ${JSON.stringify(sent)} is refused`, () => {
    assert.throws(() => parseMediaName(sent), StreamPathError)
  })
}
