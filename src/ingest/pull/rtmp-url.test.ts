import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PullUrlError } from './errors.ts'
import { parseRtmpUrl, type RtmpUrl } from './rtmp-url.ts'

/** Splits of application and stream as FFmpeg's rtmpproto.c and librtmp's parseurl.c make them. */
const CASES: readonly (readonly [url: string, parts: Partial<RtmpUrl>])[] = [
  ['rtmp://host/live/cam1', { host: 'host', port: 1935, app: 'live', stream: 'cam1', tcUrl: 'rtmp://host:1935/live' }],
  ['rtmps://host/live/cam1', { scheme: 'rtmps', port: 443, tcUrl: 'rtmps://host:443/live' }],
  ['RTMP://host:1936/live/cam1', { scheme: 'rtmp', port: 1936 }],
  ['rtmp://[2001:db8::1]:1936/live/cam1', { host: '2001:db8::1', port: 1936, tcUrl: 'rtmp://[2001:db8::1]:1936/live' }],
  ['rtmp://host/app/instance/cam1', { app: 'app/instance', stream: 'cam1' }],
  ['rtmp://host/app/instance/folder/cam1', { app: 'app/instance', stream: 'folder/cam1' }],
  ['rtmp://host/app/mp4:folder/cam1', { app: 'app', stream: 'mp4:folder/cam1' }],
  ['rtmp://host/a/b/c//cam1', { app: 'a/b/c', stream: 'cam1' }],
  ['rtmp://host/live/cam1?token=a/b:c', { app: 'live', stream: 'cam1?token=a/b:c' }],
  ['rtmp://host/live?token=x/cam1', { app: 'live?token=x', stream: 'cam1', tcUrl: 'rtmp://host:1935/live?token=x' }],
  [
    'rtmp://me:p%40ss@host/live/cam1',
    { user: 'me', password: 'p@ss', tcUrl: 'rtmp://host:1935/live', shown: 'rtmp://***@host/live/cam1' },
  ],
]
for (const [url, parts] of CASES) {
  test(url, () => {
    const parsed = parseRtmpUrl(url)
    for (const [name, value] of Object.entries(parts)) assert.equal(parsed[name as keyof RtmpUrl], value, name)
  })
}

const REFUSED = [
  '',
  'http://host/live/cam1',
  'rtmp:/host/live/cam1',
  'rtmp://',
  'rtmp://host',
  'rtmp://host/live',
  'rtmp://host/live/',
  'rtmp://host/live/?a=b',
  'rtmp://host:0/live/cam1',
  'rtmp://host:99999/live/cam1',
  'rtmp://host:x/live/cam1',
  'rtmp://a b/live/cam1',
  'rtmp://host/live/cam1\n',
  'rtmp://me:%@host/live/cam1',
  `rtmp://host/live/${'x'.repeat(5000)}`,
]
for (const url of REFUSED) {
  test(`refused: ${JSON.stringify(url.slice(0, 60))}`, () => assert.throws(() => parseRtmpUrl(url), PullUrlError))
}

test('whatever the text, it is read or refused, and a password is never shown', () => {
  fc.assert(
    fc.property(fc.string(), fc.stringMatching(/^[a-z]{12}$/), (text, password) => {
      try {
        const { shown } = parseRtmpUrl(`rtmp://me:${password}@${text}`)
        assert.ok(!shown.includes(password))
      } catch (error) {
        assert.ok(error instanceof PullUrlError)
        assert.ok(!error.message.includes(password))
      }
    }),
  )
})
