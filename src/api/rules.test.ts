import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NEW_RULE } from '#recorder/new-rule.ts'
import { type ApiFixture, apiFixture } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { RuleListSchema, RuleSchema } from './schemas/rule.ts'

const URL = '/api/v1/rules'
let fixture: ApiFixture
before(async () => {
  const rule = { ...NEW_RULE, id: 'config-1', match: '**', origin: 'config' } as const
  fixture = await apiFixture({ rules: [rule] })
})
after(() => fixture[Symbol.asyncDispose]())

test('a rule is added, read, changed and removed', async () => {
  const payload = { match: 'live/*', request: { format: 'flv', rotate: { seconds: 60 } }, priority: 5 }
  const added = await fixture.request({ method: 'POST', url: URL, payload })
  assert.equal(added.statusCode, 201, added.body)
  const { id, ...rule } = assertMatches(RuleSchema, added.json())
  assert.deepEqual(rule, { ...NEW_RULE, ...payload, origin: 'api' })
  const url = `${URL}/${id}`
  assert.equal(added.headers.location, url)
  const changed = await fixture.request({ method: 'PATCH', url, payload: { enabled: false } })
  assert.deepEqual(changed.json(), { ...added.json(), enabled: false })
  assert.deepEqual((await fixture.request({ url })).json(), changed.json())
  const { rules } = assertMatches(RuleListSchema, (await fixture.request({ url: URL })).json())
  assert.equal(rules.length, 2)
  assert.equal((await fixture.request({ method: 'DELETE', url })).statusCode, 204)
  assert.equal((await fixture.request({ url })).statusCode, 404)
})

for (const stop of [true, false]) {
  test(`a rule is removed and what it has started ${stop ? 'ends' : 'goes on'}`, async () => {
    const added = await fixture.request({ method: 'POST', url: URL, payload: { match: 'live/*' } })
    const { id: rule } = added.json<{ id: string }>()
    const { id } = await fixture.recorder.add({ rule, state: 'recording' }, Buffer.from('x'))
    const url = `${URL}/${rule}${stop ? '?stop=true' : ''}`
    assert.equal((await fixture.request({ method: 'DELETE', url })).statusCode, 204)
    assert.equal((await fixture.recorder.get(id)).state, stop ? 'ready' : 'recording')
  })
}

test('asked about a stream: the rules that record it by themselves', async () => {
  const ids = async (stream: string) => {
    const answer = await fixture.request({ url: `${URL}?stream=${encodeURIComponent(stream)}` })
    return assertMatches(RuleListSchema, answer.json()).rules.map(({ id }) => id)
  }
  const payload = { match: 'private/*', record: 'demand', priority: 10 }
  const added = await fixture.request({ method: 'POST', url: URL, payload })
  const { id } = added.json<{ id: string }>()
  assert.deepEqual(await ids('private/a'), [])
  assert.ok((await ids('studio/a')).includes('config-1'))
  await fixture.request({ method: 'DELETE', url: `${URL}/${id}` })
  assert.equal((await fixture.request({ url: `${URL}?stream=..` })).statusCode, 400)
})

const REFUSED = [
  { name: 'of the configuration', method: 'DELETE', url: `${URL}/config-1`, status: 409 },
  { name: 'unknown', method: 'DELETE', url: `${URL}/none`, status: 404 },
  { name: 'without a pattern', method: 'POST', url: URL, payload: { request: {} }, status: 400 },
  { name: 'with a bad pattern', method: 'POST', url: URL, payload: { match: 'a**' }, status: 400 },
  { name: 'with a stream', method: 'POST', url: URL, payload: { match: '**', request: { stream: 'a' } }, status: 400 },
  { name: 'changed in nothing', method: 'PATCH', url: `${URL}/config-1`, payload: {}, status: 400 },
] as const
for (const { name, status, ...request } of REFUSED) {
  test(`refused: a rule ${name}`, async () => assert.equal((await fixture.request(request)).statusCode, status))
}
