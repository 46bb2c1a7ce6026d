import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { test } from 'node:test'
import { apiFixture, TEST_HOST } from '#test/support/api-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { ApiListenError } from './listen-error.ts'

const onFreePort = { api: { listen: { host: '127.0.0.1', port: 0 }, allowedOrigins: [], allowedHosts: [] } }

test('a port in use is an error that names the key to change', async () => {
  await using one = await apiFixture({ config: onFreePort })
  const listen = await one.api.listen()
  await using two = await apiFixture({ config: { api: { ...onFreePort.api, listen } } })
  await assert.rejects(
    two.api.listen(),
    (error) =>
      error instanceof ApiListenError && error.systemCode === 'EADDRINUSE' && error.message.includes('api.listen'),
  )
})

test('the page is served with a policy, its hashed files for ever, and nothing outside its folder', async () => {
  await using folder = await TempFolder.make()
  await mkdir(folder.at('dist', 'assets'), { recursive: true })
  await writeFile(folder.at('dist', 'index.html'), '<!doctype html><title>page</title>')
  await writeFile(folder.at('dist', 'assets', 'app-1a2b.js'), 'export {}')
  await writeFile(folder.at('dist', '.secret'), 'secret')
  await writeFile(folder.at('secret'), 'secret')
  await using fixture = await apiFixture({ dashboardDir: folder.at('dist') })
  const page = await fixture.request({ url: '/' })
  assert.equal(page.statusCode, 200)
  assert.match(page.body, /<title>page/)
  assert.match(String(page.headers['content-security-policy']), /default-src 'self'/)
  assert.equal(page.headers['cache-control'], 'no-cache')
  const script = await fixture.request({ url: '/assets/app-1a2b.js' })
  assert.match(String(script.headers['cache-control']), /immutable/)
  for (const url of [
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/assets/..%2f..%2fsecret',
    '/.secret',
    '//secret',
  ]) {
    const answer = await fixture.request({ url })
    assert.ok(answer.statusCode >= 400, `${url}: ${answer.statusCode}`)
    assert.doesNotMatch(answer.body, /^secret/)
  }
})

test('a path that climbs is an unknown address, and no error in the log', async () => {
  await using folder = await TempFolder.make()
  await mkdir(folder.at('dist'))
  await writeFile(folder.at('dist', 'index.html'), '<!doctype html><title>page</title>')
  await using fixture = await apiFixture({ config: onFreePort, dashboardDir: folder.at('dist') })
  const { port } = await fixture.api.listen()
  for (const path of ['/../etc/passwd', '/assets/../../etc/passwd?token=x']) {
    const answer = await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
    assert.match(answer, /^HTTP\/1\.1 404 /, path)
    assert.doesNotMatch(answer, /token/)
  }
})

test('without a page the API works, and an unknown address is a problem', async () => {
  await using fixture = await apiFixture()
  const answer = await fixture.request({ url: '/nowhere?token=x' })
  assert.equal(answer.statusCode, 404)
  assert.equal(answer.json().code, 'api/no-such-route')
  assert.doesNotMatch(answer.body, /token/)
  assert.equal((await fixture.request({ method: 'PUT', url: '/api/v1/recordings' })).statusCode, 404)
})

/** Bytes no HTTP library would send. */
const RAW = [
  'GET /api/v1/streams/../../etc/passwd HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n',
  'GET http://evil.example/api/v1/streams HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
  'GET /api/v1/streams HTTP/1.1\r\nConnection: close\r\n\r\n',
  'GET /api/v1/streams HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
  'POST /api/v1/recordings HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /api/v1/recordings HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 999999\r\n\r\n{',
  '\u0000\u0001\u0002\r\n\r\n',
]

test('malformed HTTP gets a refusal, and others are still served', async () => {
  await using fixture = await apiFixture({ config: onFreePort })
  const { port } = await fixture.api.listen()
  for (const raw of RAW) {
    const answer = await sendRaw(port, raw.replaceAll('HOST', `127.0.0.1:${port}`))
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, JSON.stringify(raw))
    const healthy = await fetch(`http://127.0.0.1:${port}/healthz`)
    assert.equal(healthy.status, 200)
  }
})

async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) {
    answer += String(chunk)
    if (answer.includes('\r\n\r\n')) break
  }
  socket.destroy()
  return answer
}

test('requests without a socket name the host they are for', async () => {
  await using fixture = await apiFixture()
  const answer = await fixture.api.app.inject({ url: '/healthz', headers: { host: TEST_HOST } })
  assert.equal(answer.statusCode, 200)
})
