import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EVENT_TYPES } from '#control/event-types.ts'
import { type ApiFixture, apiFixture } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { testConfig } from '#test/support/test-config.ts'
import { DeliveryListSchema, DeliverySchema, DeliveryWithBodySchema, HookListSchema } from './schemas/hook.ts'

const DELIVERIES = '/api/v1/webhooks/deliveries'
const asAdmin = { authorization: 'Bearer T-admin' }
let received = 0
const receiver = createServer((request, response) => {
  received++
  request.resume()
  response.end()
})
let fixture: ApiFixture

before(async () => {
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const url = `http://user:pass@127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?key=hush`
  const common = { match: '**', timeoutMs: 1_000, concurrency: 1 }
  const webhooks = [{ ...common, name: 'desk', url, secret: 'x'.repeat(16), events: EVENT_TYPES }]
  const exec = [{ ...common, name: 'none', command: '/nowhere/none', args: [], events: ['recording.ready'] as const }]
  const tokens = [
    { name: 'admin', token: 'T-admin', role: 'admin', match: '**' },
    { name: 'site', token: 'T-site', role: 'admin', match: 'site/*' },
    { name: 'desk', token: 'T-record', role: 'record', match: '**' },
  ] as const
  fixture = await apiFixture({
    config: {
      hooks: { ...testConfig('').hooks, webhooks, exec },
      auth: { tokens, publish: 'open', play: 'open' },
    },
  })
  const recording = await fixture.recorder.add({}, Buffer.from('x'))
  fixture.recorder.events.emit({ type: 'recording.ready', recording })
  fixture.recorder.events.emit({ type: 'recording.resumed', recording })
  await settled()
})
after(async () => {
  await fixture[Symbol.asyncDispose]()
  receiver.closeAllConnections()
  receiver.close()
})

async function hooks() {
  const answer = await fixture.request({ url: '/api/v1/hooks', headers: asAdmin })
  assert.equal(answer.statusCode, 200, answer.body)
  return assertMatches(HookListSchema, answer.json()).hooks
}

async function settled() {
  for (let i = 0; i < 500; i++) {
    if (
      (await hooks()).every(({ deliveries }) => deliveries.pending === 0 && deliveries.delivered + deliveries.dead > 0)
    )
      return
    await sleep(10)
  }
  throw new Error(`something waits still: ${JSON.stringify(await hooks())}`)
}

test('what is configured is shown without its secrets, with how it fares', async () => {
  const [none, desk] = await hooks()
  assert.deepEqual([none?.kind, none?.target, none?.deliveries.dead], ['exec', '/nowhere/none', 1])
  assert.deepEqual(
    [desk?.name, desk?.isSigned, desk?.deliveries],
    ['desk', true, { pending: 0, delivered: 2, dead: 0 }],
  )
  assert.match(desk?.target ?? '', /^http:\/\/127\.0\.0\.1:\d+\/hook$/)
  assert.equal(desk?.lastAttempt?.verdict, 'delivered')
})

test('deliveries are listed in pages, read with their body and sent again', async () => {
  const page = await fixture.request({ url: `${DELIVERIES}?limit=1&state=delivered`, headers: asAdmin })
  const { deliveries, nextCursor } = assertMatches(DeliveryListSchema, page.json())
  assert.deepEqual(
    deliveries.map(({ event }) => event.type),
    ['recording.resumed'],
  )
  const rest = await fixture.request({ url: `${DELIVERIES}?limit=1&cursor=${nextCursor}`, headers: asAdmin })
  assert.equal(assertMatches(DeliveryListSchema, rest.json()).nextCursor, null)
  const url = `${DELIVERIES}/${deliveries[0]?.id}`
  const whole = assertMatches(DeliveryWithBodySchema, (await fixture.request({ url, headers: asAdmin })).json())
  assert.equal((whole.body as { type: string }).type, 'recording.resumed')
  const before = received
  const replayed = await fixture.request({ method: 'POST', url: `${url}/replay`, headers: asAdmin })
  assert.equal(replayed.statusCode, 200, replayed.body)
  assert.equal(assertMatches(DeliverySchema, replayed.json()).state, 'pending')
  await settled()
  assert.equal(received, before + 1)
})

const REFUSED = [
  { name: 'a token that may only record', token: 'T-record', url: '/api/v1/hooks', status: 403 },
  { name: 'a token limited to paths', token: 'T-site', url: DELIVERIES, status: 403 },
  { name: 'a state there is not', token: 'T-admin', url: `${DELIVERIES}?state=lost`, status: 400 },
  { name: 'a cursor of nobody', token: 'T-admin', url: `${DELIVERIES}?cursor=!`, status: 400 },
  { name: 'an id of nobody', token: 'T-admin', url: `${DELIVERIES}/01jd3e7vzy8k2n4q6s8t0w2y4a`, status: 404 },
]
for (const { name, token, url, status } of REFUSED) {
  test(`refused: ${name}`, async () => {
    const answer = await fixture.request({ url, headers: { authorization: `Bearer ${token}` } })
    assert.equal(answer.statusCode, status, answer.body)
  })
}
