import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PullUrlError } from '../errors.ts'
import { parseLibavUrl } from './libav-url.ts'
import { readingTask } from './reading-task.ts'
import { relayedPlaylist } from './relayed-playlist.ts'

const TAKEN = [
  {
    url: 'https://me:secret@host/live/a.m3u8?token=x',
    shown: 'https://***@host/live/a.m3u8?token=***',
    isAwaited: false,
  },
  { url: 'HTTP://host/a.ts', shown: 'HTTP://host/a.ts', isAwaited: false },
  { url: 'srt://host:9710?passphrase=x', shown: 'srt://host:9710?passphrase=***', isAwaited: false },
  { url: 'srt://:9710?mode=listener', shown: 'srt://:9710?mode=***', isAwaited: true },
  { url: 'srt://host:9710?latency=1&mode=rendezvous', shown: 'srt://host:9710?latency=***&mode=***', isAwaited: true },
  { url: 'udp://239.0.0.1:1234', shown: 'udp://239.0.0.1:1234', isAwaited: true },
  { url: 'udp://:1234', shown: 'udp://:1234', isAwaited: true },
  { url: 'udp://[ff02::1]:1234?localaddr=x', shown: 'udp://[ff02::1]:1234?localaddr=***', isAwaited: true },
] as const
for (const { url, shown, isAwaited } of TAKEN) {
  test(`taken: ${url}`, () => {
    const parsed = parseLibavUrl(url)
    assert.deepEqual([parsed.shown, parsed.isAwaited], [shown, isAwaited])
  })
}

const REFUSED = [
  'http://',
  'http:///a.ts',
  'https://host/a b',
  'http://host/a\r\nHost: other',
  'srt://host',
  'srt://:9710',
  'srt://host:0',
  'udp://host:70000',
  'udp://host:12ab',
  'file://elsewhere/a.mp4',
  `http://host/${'a'.repeat(3000)}`,
]
for (const url of REFUSED)
  test(`refused: ${url.slice(0, 40)}`, () => assert.throws(() => parseLibavUrl(url), PullUrlError))

test('a file is a path, unescaped', () => {
  assert.equal(parseLibavUrl('file:///media/a%20film.mp4').path, '/media/a film.mp4')
})

test('no address leads to files, or from a file to anywhere', () => {
  const settings = { idleTimeoutMs: 1000, verifyTls: true }
  const lists = (['http', 'https', 'srt', 'udp', 'file'] as const).map((scheme) => {
    const { options } = readingTask({ scheme, url: `${scheme}://x` }, settings)
    return {
      scheme,
      protocols: options['protocol_whitelist']?.split(','),
      formats: options['format_whitelist']?.split(','),
    }
  })
  for (const { scheme, protocols, formats } of lists) {
    assert.equal(protocols?.includes('file'), scheme === 'file', scheme)
    assert.equal(formats?.includes('hls'), scheme.startsWith('http'), scheme)
    for (const name of ['concat', 'dash', 'sdp', 'rtsp', 'lavfi', 'image2']) assert.ok(!formats?.includes(name), name)
  }
})

test('every address of a playlist that leads over https goes through the relay, and no other', () => {
  const playlist = [
    '#EXTM3U',
    '#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/1?a=b",IV=0x1',
    '#EXT-X-MAP:URI="/init.mp4"',
    '#EXTINF:2,',
    'relative/1.ts',
    '/rooted/2.ts',
    'https://other.example:8443/3.ts?x=1',
    '//third.example/4.ts\r',
    'HTTPS://host/5.ts',
    'http://plain.example/6.ts',
  ].join('\n')
  const relayed = relayedPlaylist(
    playlist,
    new URL('https://host/live/a.m3u8'),
    ({ host, pathname, search }) => `R/${host}${pathname}${search}`,
  )
  assert.deepEqual(relayed.split('\n'), [
    '#EXTM3U',
    '#EXT-X-KEY:METHOD=AES-128,URI="R/keys.example/1?a=b",IV=0x1',
    '#EXT-X-MAP:URI="R/host/init.mp4"',
    '#EXTINF:2,',
    'relative/1.ts',
    'R/host/rooted/2.ts',
    'R/other.example:8443/3.ts?x=1',
    'R/third.example/4.ts\r',
    'R/host/5.ts',
    'http://plain.example/6.ts',
  ])
})
