import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Credentials } from '#control/auth.ts'
import { createStreamAccess } from '#control/stream-access.ts'
import { answerChallenge, parseChallenges } from '#protocols/rtsp/authentication.ts'
import { picture, TestCamera, videoDescription } from '#test/support/rtp-media.ts'
import { RtspClient } from '#test/support/rtsp-client.ts'
import { type RtspFixture, rtspFixture } from '#test/support/rtsp-fixture.ts'

const SDP = [['Content-Type', 'application/sdp']] as const
const TCP = [['Transport', 'RTP/AVP/TCP;unicast;interleaved=0-1']] as const
const TOKEN = 'a-token-of-16-characters'

async function client(fixture: RtspFixture): Promise<RtspClient> {
  return await RtspClient.open(fixture.port)
}

test('requests that make no sense are refused, and the connection goes on', async () => {
  await using fixture = await rtspFixture()
  await using peer = await client(fixture)
  const url = fixture.url('live/cam1')
  await peer.expect(501, 'REDIRECT', url)
  await peer.expect(455, 'RECORD', url)
  await peer.expect(455, 'PAUSE', url)
  await peer.expect(455, 'TEARDOWN', url)
  await peer.expect(454, 'PLAY', url, [['Session', '1234']])
  const { headers } = await peer.expect(551, 'OPTIONS', url, [['Require', 'www.onvif.org/ver20/backchannel']])
  assert.equal(headers.get('Unsupported'), 'www.onvif.org/ver20/backchannel')
  await peer.expect(404, 'DESCRIBE', url)
  await peer.expect(404, 'SETUP', `${url}/trackID=1`, TCP)
  await peer.expect(400, 'ANNOUNCE', fixture.url('../etc'), SDP, videoDescription())
  await peer.expect(400, 'ANNOUNCE', fixture.url(''), SDP, videoDescription())
  await peer.expect(400, 'ANNOUNCE', url, SDP, 'no description')
  await peer.expect(400, 'ANNOUNCE', url)
  await peer.expect(415, 'ANNOUNCE', url, [['Content-Type', 'text/plain']], videoDescription())
  await peer.expect(200, 'ANNOUNCE', url, SDP, videoDescription())
  await peer.expect(455, 'ANNOUNCE', url, SDP, videoDescription())
  await peer.expect(455, 'PLAY', url)
  await peer.expect(455, 'RECORD', url)
  await peer.expect(461, 'SETUP', `${url}/streamid=0`, [['Transport', 'RTP/AVP;multicast']])
  await peer.expect(461, 'SETUP', `${url}/streamid=0`, [['Transport', 'RTP/SAVP/TCP;unicast;interleaved=0-1']])
  await peer.expect(461, 'SETUP', `${url}/streamid=0`)
  await peer.expect(200, 'SETUP', `${url}/streamid=0`, [['Transport', 'RTP/AVP;multicast, RTP/AVP/TCP;unicast']])
  await peer.expect(455, 'SETUP', `${url}/streamid=0`, TCP)
  await peer.expect(200, 'RECORD', url)
  await peer.expect(200, 'TEARDOWN', url)
  assert.equal(fixture.server.counters.errorsTotal.size, 0)
})

const GARBAGE = [
  ['another protocol', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['noise', '\x00\x01\x02\x03\n\n'],
  ['a header without an end', `OPTIONS * RTSP/1.0\r\n${'X: y\r\n'.repeat(5_000)}`],
  ['a body without measure', 'ANNOUNCE rtsp://h/a/b RTSP/1.0\r\nContent-Length: 999999999\r\n\r\n'],
] as const
for (const [name, bytes] of GARBAGE) {
  test(`${name} ends its connection, with the reason in the log`, async () => {
    await using fixture = await rtspFixture()
    await using peer = await client(fixture)
    peer.socket.write(Buffer.from(bytes, 'latin1'))
    await peer.closed()
    assert.equal(
      fixture.events.find(({ event }) => event === 'rtsp.connection-failed')?.['code'],
      'rtsp/message-malformed',
    )
  })
}

test('requests without a number, in pieces and several at once are answered in order', async () => {
  await using fixture = await rtspFixture()
  await using peer = await client(fixture)
  let answers = ''
  peer.socket.on('data', (bytes: Buffer) => {
    answers += bytes.toString()
  })
  peer.socket.write('OPTIONS * RTSP/1.0\n\nDESCRIBE rtsp://h/a/b RTSP/1.0\ncseq: x\n\nOPT')
  peer.socket.write('IONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n')
  await peer.until(() => answers.includes('CSeq: 7'))
  assert.deepEqual(answers.match(/RTSP\/1.0 \d+/g), ['RTSP/1.0 200', 'RTSP/1.0 404', 'RTSP/1.0 200'])
})

test('who does nothing is disconnected, as is who is one too many', async () => {
  await using fixture = await rtspFixture({ config: { maxConnections: 1 } })
  await using idle = await client(fixture)
  await idle.expect(200, 'OPTIONS', '*')
  await using surplus = await client(fixture)
  await surplus.closed()
  fixture.advance(11_000)
  await idle.closed()
  assert.deepEqual([...fixture.server.counters.errorsTotal.keys()].toSorted(), [
    'rtsp/nothing-published-or-played',
    'rtsp/too-many-connections',
  ])
})

test('a listener that can not be opened names the key to change', async () => {
  await using fixture = await rtspFixture()
  const listen = { host: '127.0.0.1', port: fixture.port }
  await assert.rejects(rtspFixture({ config: { listen } }), { code: 'rtsp/listen-failed', message: /rtsp\.listen/ })
})

test('where UDP is off, or its ports are taken, the answer says so', async () => {
  const udp = [['Transport', 'RTP/AVP;unicast;client_port=5000-5001']] as const
  await using off = await rtspFixture({ config: { udpPorts: undefined } })
  await using peer = await client(off)
  await peer.expect(200, 'ANNOUNCE', off.url('live/cam1'), SDP, videoDescription())
  const { reason } = await peer.expect(461, 'SETUP', `${off.url('live/cam1')}/streamid=0`, udp)
  assert.match(reason, /rtsp\.udpPorts is off/)
  // One pair, which nobody but root may have.
  await using one = await rtspFixture({ config: { udpPorts: { first: 40_001, last: 40_002 } } })
  await using other = await client(one)
  await other.expect(200, 'ANNOUNCE', one.url('live/cam1'), SDP, videoDescription())
  await other.expect(503, 'SETUP', `${one.url('live/cam1')}/streamid=0`, udp)
  assert.equal(one.events.at(-1)?.['code'], 'rtsp/udp-ports-exhausted')
})

/** A server whose streams need a key. */
async function keyed() {
  const credentials = new Credentials([
    { name: 'cam', token: TOKEN, role: 'publish', match: 'live/*' },
    { name: 'wall', token: 'another-token-16-chars', role: 'play', match: '**' },
  ])
  const auth = { publish: 'key', play: 'key' } as const
  return await rtspFixture({ access: createStreamAccess({ auth, credentials, fetch: globalThis.fetch }) })
}

const request = (uri: string) => ({ method: 'ANNOUNCE', uri })

for (const algorithm of ['SHA-256', 'MD5', 'Basic'] as const) {
  test(`a login by ${algorithm} is as good as ?key=, for its paths and its role`, async () => {
    await using fixture = await keyed()
    await using peer = await client(fixture)
    const url = fixture.url('live/cam1')
    const refused = await peer.expect(401, 'ANNOUNCE', url, SDP, videoDescription())
    const challenges = parseChallenges(refused.headers.all('WWW-Authenticate'))
    const challenge = challenges.find((each) =>
      algorithm === 'Basic' ? each.scheme === 'basic' : each.scheme === 'digest' && each.algorithm === algorithm,
    )
    assert.ok(challenge !== undefined)
    const login = (uri: string, password: string) => {
      const value = answerChallenge(challenge, { user: 'anybody', password }, request(uri), 1, 'abc')
      return [...SDP, ['Authorization', value] as const]
    }
    await peer.expect(401, 'ANNOUNCE', url, login(url, 'wrong'), videoDescription())
    await peer.expect(401, 'ANNOUNCE', url, login(url, 'another-token-16-chars'), videoDescription())
    const elsewhere = fixture.url('elsewhere/cam1')
    await peer.expect(401, 'ANNOUNCE', elsewhere, login(elsewhere, TOKEN), videoDescription())
    await peer.expect(200, 'ANNOUNCE', url, login(url, TOKEN), videoDescription())
    // From here on nobody asks again.
    await peer.expect(200, 'SETUP', `${url}/streamid=0`, TCP)
    await peer.expect(200, 'RECORD', url)
  })
}

test('a key in the address needs no login; whoever guesses is disconnected', async () => {
  await using fixture = await keyed()
  await using peer = await client(fixture)
  await peer.expect(200, 'ANNOUNCE', `${fixture.url('live/cam1')}?key=${TOKEN}`, SDP, videoDescription())
  await using guesser = await client(fixture)
  const guess = [['Authorization', `Basic ${Buffer.from('a:guess').toString('base64')}`]] as const
  for (let i = 0; i < 5; i++) await guesser.expect(401, 'DESCRIBE', fixture.url('live/cam1'), guess)
  await guesser.expect(403, 'DESCRIBE', fixture.url('live/cam1'), guess)
  await guesser.closed()
  assert.equal(fixture.server.counters.errorsTotal.get('rtsp/login-failed'), 1)
})

test('an answer to the challenge of one connection is worth nothing on another', async () => {
  await using fixture = await keyed()
  await using peer = await client(fixture)
  const url = fixture.url('live/cam1')
  const refused = await peer.expect(401, 'ANNOUNCE', url, SDP, videoDescription())
  const [challenge] = parseChallenges(refused.headers.all('WWW-Authenticate'))
  assert.ok(challenge !== undefined)
  const value = answerChallenge(challenge, { user: 'x', password: TOKEN }, request(url), 1, 'abc')
  await using thief = await client(fixture)
  await thief.expect(401, 'ANNOUNCE', url, [...SDP, ['Authorization', value]], videoDescription())
})

test('an operator can disconnect a publisher', async () => {
  await using fixture = await rtspFixture()
  await using peer = await client(fixture)
  const url = fixture.url('live/cam1')
  await peer.expect(200, 'ANNOUNCE', url, SDP, videoDescription())
  await peer.expect(200, 'SETUP', `${url}/streamid=0`, TCP)
  await peer.expect(200, 'RECORD', url)
  for (const packet of new TestCamera().packets(picture('key', 50, 1), 0)) peer.frame(0, packet)
  const tape = await fixture.tape(0)
  tape.stream.publisher.disconnect('for a test')
  await peer.closed()
  assert.deepEqual(await tape.ended, { cause: 'disconnected', message: 'for a test' })
})
