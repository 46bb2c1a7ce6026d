import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { WebhookConfig } from '#config/config.ts'
import { sendToWebhook } from './webhook-sender.ts'

const SECRET = 'a secret of some length'
const DELIVERY = {
  id: '01jd0000000000000000000000',
  hook: 'desk',
  attempts: 0,
  sinceMs: 0,
  eventType: 'part.ready',
  stream: 'live/cam1',
  recording: 'r1',
  document: '{"id":"e-1","type":"part.ready","data":{"name":"ünïcode"}}',
}

type Listener = (...args: Parameters<RequestListener>) => unknown

async function serve(listener: Listener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((...args) => void listener(...args))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=x`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function send(url: string, config: Partial<WebhookConfig> = {}, signal = new AbortController().signal) {
  const hook: WebhookConfig = { match: '**', url, events: [], timeoutMs: 10_000, concurrency: 1, ...config }
  return sendToWebhook(hook, DELIVERY, {
    fetch: globalThis.fetch,
    nowMs: () => 1_800_000_000_123,
    version: '1.2.3',
    signal,
  })
}

test('a delivery is a POST of the document, signed over its bytes', async () => {
  const seen: unknown[] = []
  await using receiver = await serve(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    const { headers, method, url } = request
    seen.push([method, url, body])
    for (const name of [
      'content-type',
      'user-agent',
      'tapedeck-event',
      'tapedeck-delivery',
      'tapedeck-signature',
      'authorization',
    ])
      seen.push(headers[name])
    response.writeHead(204).end()
  })
  const { verdict, status } = await send(receiver.url.replace('127.', 'me%40home:pass@127.'), { secret: SECRET })
  assert.deepEqual([verdict, status], ['delivered', 204])
  assert.deepEqual(seen, [
    ['POST', '/hook?key=x', DELIVERY.document],
    'application/json',
    'Tapedeck/1.2.3',
    'part.ready',
    DELIVERY.id,
    // echo -n "1800000000.$body" | openssl dgst -sha256 -hmac "$secret"
    't=1800000000,v1=273cc97e43a53a8ce808b0f0e3c0efab1c10296e7d4accbee12dac5584808286',
    `Basic ${Buffer.from('me@home:pass').toString('base64')}`,
  ])
})

const REFUSALS: readonly { name: string; listener: Listener; status: number; error: RegExp }[] = [
  {
    name: 'a redirect is not followed',
    listener: (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    status: 302,
    error: /redirects are not followed/,
  },
  {
    name: "the receiver's complaint is kept, on one line",
    listener: (_request, response) => response.writeHead(422).end('no\r\nsuch\u001b[31m field'),
    status: 422,
    error: /^answered 422 no such \[31m field$/,
  },
  {
    name: 'of an endless answer only the beginning is read',
    listener(_request, response) {
      response.writeHead(500)
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', pour)
      pour()
    },
    status: 500,
    error: /^answered 500 x{300}$/,
  },
]
for (const { name, listener, status, error } of REFUSALS) {
  test(name, async () => {
    await using receiver = await serve(listener)
    const outcome = await send(receiver.url)
    assert.deepEqual([outcome.verdict, outcome.status, outcome.isUnreachable], ['retry', status, false])
    assert.match(outcome.error ?? '', error)
  })
}

test('silence, a hang-up and a closed port are tried again', async () => {
  await using silent = await serve(() => {})
  const silence = await send(silent.url, { timeoutMs: 100 })
  assert.deepEqual([silence.verdict, silence.isUnreachable, silence.error], ['retry', true, 'no answer within 100 ms'])
  await using rude = await serve((request) => void request.socket.destroy())
  assert.deepEqual([(await send(rude.url)).verdict, (await send(rude.url)).isUnreachable], ['retry', true])
  const closed = await serve(() => {})
  await closed[Symbol.asyncDispose]()
  const refused = await send(closed.url)
  assert.equal(refused.verdict, 'retry')
  assert.match(refused.error ?? '', /ECONNREFUSED/)
})

test("the server's end interrupts, which is no failure of the receiver's", async () => {
  const ending = new AbortController()
  await using silent = await serve(() => ending.abort())
  assert.equal((await send(silent.url, {}, ending.signal)).verdict, 'interrupted')
})
