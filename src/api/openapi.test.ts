import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { EVENT_TYPES } from '#control/event-types.ts'
import { apiFixture } from '#test/support/api-fixture.ts'

interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly summary?: string; readonly responses: object }>>>
  >
}

/** Every operation of the document as `METHOD /path`. */
function operationsOf({ paths }: OpenApiDocument): string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
}

test('the description has every route, each with a summary and its problems', async () => {
  await using fixture = await apiFixture()
  const answer = await fixture.request({ url: '/openapi.json' })
  const document = answer.json<OpenApiDocument>()
  assert.match(document.openapi, /^3\.1/)
  const registered = fixture.api.routes.filter(({ isHidden }) => !isHidden).map(({ method, url }) => `${method} ${url}`)
  assert.deepEqual(operationsOf(document).sort(), [...new Set(registered)].sort())
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      assert.ok((operation.summary ?? '') !== '', `${method} ${path} has no summary`)
      assert.ok('default' in operation.responses, `${method} ${path} does not say how it fails`)
    }
  }
})

test('docs/reference/rest.md names every route and event, and no route that is not there', async () => {
  await using fixture = await apiFixture()
  const text = await readFile(new URL('../../docs/reference/rest.md', import.meta.url), 'utf8')
  const named = [
    ...text.matchAll(/^\| `((?:GET|HEAD|POST|PATCH|DELETE)(?:, (?:GET|HEAD|POST|PATCH|DELETE))*) (\/[^`]*)`/gm),
  ].flatMap(([, methods = '', path = '']) => methods.split(', ').map((method) => `${method} ${path}`))
  const document = (await fixture.request({ url: '/openapi.json' })).json<OpenApiDocument>()
  assert.deepEqual(named.sort(), operationsOf(document).sort())
  for (const type of [...EVENT_TYPES, 'events.missed'])
    assert.ok(text.includes(`\`${type}\``), `${type} is not in the page`)
})

test('the documentation page needs nothing from elsewhere', async () => {
  await using fixture = await apiFixture()
  const page = await fixture.request({ url: '/docs/' })
  assert.equal(page.statusCode, 200)
  const addresses = [...page.body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address)
  assert.ok(addresses.length > 3)
  for (const address of addresses) {
    assert.doesNotMatch(address, /^(https?:)?\/\//)
    const file = await fixture.request({ url: new URL(address, 'http://x/docs/').pathname })
    assert.equal(file.statusCode, 200, address)
  }
})
