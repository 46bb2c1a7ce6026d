import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiFixture } from '#test/support/api-fixture.ts'
import { launchChromium, openWatched } from '#test/support/chromium.ts'

test('/docs shows every operation and tries one out, without asking anybody else', async () => {
  const listen = { host: '127.0.0.1', port: 0 }
  await using fixture = await apiFixture({ config: { api: { listen, allowedOrigins: [], allowedHosts: [] } } })
  const { port } = await fixture.api.listen()
  await using owned = new AsyncDisposableStack()
  const browser = await launchChromium()
  owned.defer(() => browser.close())
  const { page, assertClean } = await openWatched(browser, `http://127.0.0.1:${port}/docs`)
  const operations = page.locator('.opblock')
  await operations.first().waitFor()
  // Each once for each of its tags.
  const shown = await operations.locator('.opblock-summary-control').allTextContents()
  assert.equal(new Set(shown).size, fixture.api.routes.filter(({ isHidden }) => !isHidden).length)
  const server = page.locator('.opblock', { hasText: '/api/v1/server' })
  await server.locator('.opblock-summary-control').click()
  await server.getByRole('button', { name: 'Try it out' }).click()
  await server.getByRole('button', { name: 'Execute' }).click()
  await server.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
  assertClean()
})
