import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import fastify from 'fastify'
import type { App } from './app.ts'
import { registerBodyPatience } from './body-patience.ts'

const PATIENCE_MS = 50

async function answerTo(path: string): Promise<string> {
  const app = fastify() as unknown as App
  registerBodyPatience(app, PATIENCE_MS)
  app.post('/small', async ({ body }) => ({ body }))
  app.post('/large', { config: { takesLargeBodies: true } }, async ({ body }) => ({ body }))
  try {
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n`)
    socket.write('Content-Length: 2\r\n\r\n{')
    setTimeout(() => socket.write('}'), 10 * PATIENCE_MS)
    return await text(socket)
  } finally {
    await app.close()
  }
}

test('a body that takes too long is not waited for', async () => {
  assert.match(await answerTo('/small'), /^HTTP\/1\.1 408 /)
})

test('a request that was answered without its body keeps its connection for the next', async () => {
  const app = fastify() as unknown as App
  registerBodyPatience(app, PATIENCE_MS)
  app.addHook('onRequest', async (request) => {
    if (request.url === '/refused') throw Object.assign(new Error('no'), { statusCode: 403 })
  })
  app.post('/small', async ({ body }) => ({ body }))
  app.post('/refused', async () => ({}))
  try {
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    const head = (path: string, more: string) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\n${more}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n`
    socket.write(`${head('/refused', '')}{}`)
    setTimeout(() => socket.write(`${head('/small', 'Connection: close\r\n')}{}`), 3 * PATIENCE_MS)
    const answers = await text(socket)
    assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 403', 'HTTP/1.1 200'])
  } finally {
    await app.close()
  }
})

test('a route that takes large bodies waits', async () => {
  assert.match(await answerTo('/large'), /^HTTP\/1\.1 200 /)
})
