/** WHIP over HTTP (RFC 9725): what is asked of a request, and what is answered. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { WebRtcPublisher } from '#test/support/webrtc-publisher.ts'

const TOKENS = [
  { name: 'camera', token: 'camera-token-camera-token', role: 'publish', match: 'live/**' },
  { name: 'viewer', token: 'viewer-token-viewer-token', role: 'play', match: '**' },
]
const OFFER = { 'content-type': 'application/sdp' }
const FOREIGN = { origin: 'https://studio.example', 'sec-fetch-site': 'cross-site' }

let folder: TempFolder
/** Open to this machine, as it is by default. */
let open: ServerProcess
/** With tokens, publishing with a key. */
let keyed: ServerProcess
let peer: WebRtcPublisher

before(async () => {
  folder = await TempFolder.make()
  const env = { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' }
  open = await startServerProcess(folder.at('.'), { env })
  keyed = await startServerProcess(folder.at('.'), {
    env: {
      ...env,
      TAPEDECK_DATA: folder.at('keyed'),
      TAPEDECK_AUTH_TOKENS: JSON.stringify(TOKENS),
      TAPEDECK_AUTH_PUBLISH: 'key',
      TAPEDECK_WEBRTC_ICE_SERVERS: JSON.stringify([
        { urls: ['stun:stun.example'] },
        { urls: ['turn:turn.example?transport=udp'], username: 'me "and" you', credential: 'secret' },
      ]),
    },
  })
  peer = await WebRtcPublisher.offer()
})
after(async () => {
  peer.close()
  await open[Symbol.asyncDispose]()
  await keyed[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

interface Request {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

async function ask(server: ServerProcess, path: string, { method = 'POST', headers = {}, body }: Request = {}) {
  const response = await fetch(new URL(path, server.page), { method, headers, body: body ?? null })
  const text = await response.text()
  const code = response.headers.get('content-type')?.includes('problem') ? JSON.parse(text).code : undefined
  return { status: response.status, headers: response.headers, text, code }
}

const offer = (headers: Record<string, string> = {}) => ({ headers: { ...OFFER, ...headers }, body: peer.sdp })

test('an offer is answered with a session, which takes candidates and is ended', async () => {
  const { status, headers, text } = await ask(open, 'whip/live/cam1', offer())
  assert.equal(status, 201)
  assert.equal(headers.get('content-type'), 'application/sdp')
  assert.match(text, /^v=0\r\n.*a=candidate:.*a=end-of-candidates/s)
  const session = headers.get('location') ?? ''
  const etag = headers.get('etag') ?? ''
  assert.match(session, /^\/webrtc\/sessions\/[0-9a-z]{26}$/)
  assert.match(etag, /^".+"$/)
  const ufrag = /a=ice-ufrag:(\S+)/.exec(peer.sdp)?.[1]
  const fragment = `a=ice-ufrag:${ufrag}\r\na=ice-pwd:x\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n`
  const patch = (match: Record<string, string>, body = fragment) => {
    const type = { 'content-type': 'application/trickle-ice-sdpfrag' }
    return ask(open, session, { method: 'PATCH', headers: { ...type, ...match }, body })
  }
  assert.equal((await patch({ 'if-match': etag })).status, 204)
  assert.deepEqual([(await patch({})).status, (await patch({})).code], [428, 'webrtc/etag-missing'])
  assert.equal((await patch({ 'if-match': '"another"' })).status, 412)
  const restart = await patch({ 'if-match': '*' }, fragment.replace(`${ufrag}`, 'anew'))
  assert.deepEqual([restart.status, restart.code], [422, 'webrtc/restart-unsupported'])
  assert.equal((await patch({ 'if-match': etag }, 'nonsense')).code, 'webrtc/bad-offer')
  assert.equal((await ask(open, session, { method: 'DELETE' })).status, 204)
  const again = await ask(open, session, { method: 'DELETE' })
  assert.deepEqual([again.status, again.code], [404, 'webrtc/session-not-found'])
})

test('what is no offer, and what is none of the methods, is refused', async () => {
  const cases: readonly (readonly [Request, number, string])[] = [
    [{ headers: OFFER, body: 'v=0\r\n' }, 400, 'webrtc/bad-offer'],
    [{ headers: { 'content-type': 'application/json' }, body: '{}' }, 415, 'api/unsupported-media-type'],
    [{ headers: OFFER, body: peer.sdp.replace(/rtpmap:(\d+) \w+/g, 'rtpmap:$1 X') }, 422, 'webrtc/no-common-codec'],
    [{ headers: OFFER, body: `${peer.sdp}${'a=x\r\n'.repeat(20_000)}` }, 413, 'api/body-too-large'],
    [{ method: 'GET' }, 405, 'api/method-not-allowed'],
    [{ method: 'PUT', headers: OFFER, body: peer.sdp }, 405, 'api/method-not-allowed'],
  ]
  for (const [request, status, code] of cases) {
    const answer = await ask(open, 'whip/live/bad', request)
    assert.deepEqual([answer.status, answer.code], [status, code], answer.text)
  }
  assert.equal((await ask(open, 'whip/live/bad', { method: 'GET' })).headers.get('allow'), 'POST, OPTIONS')
})

test('who has a token that may, publishes: as Bearer, ?token= or ?key=', async () => {
  const [camera, viewer] = TOKENS.map(({ token }) => token)
  const answers = [
    await ask(keyed, 'whip/live/a', offer({ authorization: `Bearer ${camera}` })),
    await ask(keyed, `whip/live/b?token=${camera}`, offer()),
    await ask(keyed, `whip/live/c?key=${camera}`, offer()),
    await ask(keyed, 'whip/live/d', offer()),
    await ask(keyed, 'whip/live/e', offer({ authorization: `Bearer ${viewer}` })),
    await ask(keyed, 'whip/other/f', offer({ authorization: `Bearer ${camera}` })),
    await ask(keyed, 'whip/live/g', offer({ authorization: 'Bearer nobody' })),
    await ask(keyed, 'whip/live/h?key=nobody', offer()),
  ]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 201, 201, 403, 403, 403, 401, 403],
  )
})

test('STUN and TURN servers are told of in Link headers', async () => {
  const { headers } = await ask(keyed, 'whip/live/links', offer({ authorization: `Bearer ${TOKENS[0]?.token}` }))
  assert.equal(
    headers.get('link'),
    '<stun:stun.example>; rel="ice-server", <turn:turn.example?transport=udp>; rel="ice-server"; ' +
      'username="me \\"and\\" you"; credential="secret"; credential-type="password"',
  )
})

test('pages of other sites publish with a token, and not at all where none is needed', async () => {
  const preflight = { method: 'OPTIONS', headers: { ...FOREIGN, 'access-control-request-method': 'POST' } }
  const allowed = await ask(keyed, 'whip/live/cam1', preflight)
  assert.equal(allowed.status, 204)
  assert.equal(allowed.headers.get('access-control-allow-origin'), FOREIGN.origin)
  assert.match(allowed.headers.get('access-control-allow-headers') ?? '', /authorization/)
  assert.equal(allowed.headers.get('accept-post'), 'application/sdp')
  const token = { authorization: `Bearer ${TOKENS[0]?.token}` }
  const answer = await ask(keyed, 'whip/live/page', offer({ ...FOREIGN, ...token }))
  assert.equal(answer.status, 201)
  assert.match(answer.headers.get('access-control-expose-headers') ?? '', /location/)
  assert.equal((await ask(keyed, 'whip/live/page2', offer(FOREIGN))).status, 403)
  assert.equal((await ask(keyed, 'api/v1/streams', { method: 'GET', headers: { ...FOREIGN, ...token } })).status, 403)
  for (const request of [preflight, offer(FOREIGN)]) {
    assert.equal((await ask(open, 'whip/live/cam1', request)).code, 'api/cross-site-request')
  }
})

test('switched off, it says how to switch it on', async () => {
  await using off = await startServerProcess(folder.at('.'), { env: { TAPEDECK_DATA: folder.at('off') } })
  const { status, code, text } = await ask(off, 'whip/live/cam1', offer())
  assert.deepEqual([status, code], [503, 'webrtc/disabled'])
  assert.match(text, /webrtc\.udp/)
})
