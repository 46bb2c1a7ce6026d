import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordingRequest } from './request.ts'
import { resolveRequest } from './request-defaults.ts'

const DEFAULTS = { format: 'auto', name: '{stream}', reconnectSeconds: 5, roots: ['/r/a', '/r/b', '/s/b'] } as const

test('what is not said comes from the defaults', () => {
  assert.deepEqual(resolveRequest({ stream: 'live/cam1' }, DEFAULTS), {
    stream: 'live/cam1',
    format: 'auto',
    name: '{stream}',
    path: undefined,
    pathText: 'safe',
    extension: undefined,
    root: '/r/a',
    numbering: 'suffix',
    nameText: { exclude: '', encoding: 'none' },
    nameValues: { stream: '', sessionId: '', mediaSessionId: '', login: '', codecs: {} },
    ifExists: 'version',
    appendGap: 'close',
    rotateSeconds: 0,
    rotateBytes: 0,
    rotateAt: '',
    rotateCut: 'keyframe',
    preRollSeconds: 0,
    mp4Compatible32: false,
    startOn: 'keyframe',
    audio: true,
    video: true,
    data: true,
    audioCodec: 'auto',
    audioSampleRateHz: 0,
    maxSeconds: 0,
    waitForStream: false,
    reconnectSeconds: 5,
    metadata: {},
  })
})

test('a name template is checked before it is kept', () => {
  assert.throws(() => resolveRequest({ stream: 'live/cam1', name: '{nonsense}' }, DEFAULTS), {
    code: 'recording/name-invalid',
  })
})

const REFUSED: readonly { field: string; request: Omit<RecordingRequest, 'stream'> }[] = [
  { field: 'format', request: { format: 'avi' as 'mp4' } },
  { field: 'ifExists', request: { ifExists: 'replace' as 'fail' } },
  { field: 'startOn', request: { startOn: 'never' as 'now' } },
  { field: 'tracks', request: { tracks: { audio: false, video: false } } },
  { field: 'rotate.seconds', request: { rotate: { seconds: -1 } } },
  { field: 'rotate.seconds', request: { rotate: { seconds: Number.NaN } } },
  { field: 'rotate.bytes', request: { rotate: { bytes: 1_000 } } },
  { field: 'rotate', request: { ifExists: 'append', rotate: { seconds: 10 } } },
  { field: 'rotate', request: { ifExists: 'append', rotate: { at: '0 * * * *' } } },
  { field: 'name', request: { ifExists: 'append', name: '{stream}-{duration:5}' } },
  { field: 'rotate.cut', request: { rotate: { cut: 'soon' as 'exact' } } },
  { field: 'preRollSeconds', request: { preRollSeconds: -1 } },
  { field: 'path', request: { path: 'x', name: '{stream}' } },
  { field: 'path', request: { path: '/etc/x' } },
  { field: 'path', request: { path: 'a/../../x' } },
  { field: 'path', request: { path: '' } },
  { field: 'path', request: { path: './.' } },
  { field: 'path', request: { path: 'a/./x', pathText: 'verbatim' } },
  { field: 'path', request: { path: 'a//x', pathText: 'verbatim' } },
  { field: 'path', request: { path: 'a/\0', pathText: 'verbatim' } },
  { field: 'extension', request: { extension: 'mp4' } },
  { field: 'extension', request: { extension: './x' } },
  { field: 'root', request: { root: '/etc' } },
  { field: 'root', request: { root: '' } },
  { field: 'root', request: { root: 'b' } },
  { field: 'numbering', request: { numbering: 'roman' as 'suffix' } },
  { field: 'nameText.encoding', request: { nameText: { encoding: 'rot13' as 'hex' } } },
  { field: 'nameText.exclude', request: { nameText: { exclude: 'x'.repeat(257) } } },
  { field: 'nameValues.login', request: { nameValues: { login: 'x'.repeat(1_025) } } },
  { field: 'maxSeconds', request: { maxSeconds: -5 } },
  { field: 'reconnectSeconds', request: { reconnectSeconds: Number.POSITIVE_INFINITY } },
  { field: 'metadata.a', request: { metadata: { a: 'x'.repeat(1_025) } } },
  { field: 'metadata', request: { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ''])) } },
]
for (const { field, request } of REFUSED) {
  test(`${field} of ${JSON.stringify(request).slice(0, 60)} is refused`, () => {
    assert.throws(() => resolveRequest({ stream: 'live/cam1', ...request }, DEFAULTS), {
      code: 'recorder/request-invalid',
      field,
    })
  })
}

for (const root of ['/s/b', 's/b', './s/b', '../s/b/']) {
  test(`the allowed root /s/b is found as ${root}`, () => {
    assert.equal(resolveRequest({ stream: 'live/cam1', root }, DEFAULTS).root, '/s/b')
  })
}
