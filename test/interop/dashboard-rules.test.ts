import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, afterEach, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { accessibilityProblems, closePages, launchChromium, openWatched } from '#test/support/chromium.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** Rules on the page, with the real server, a real encoder and a real browser. */
let browser: Browser
before(async () => {
  await buildDashboardIfStale()
  browser = await launchChromium()
})
afterEach(() => closePages(browser))
after(() => browser.close())

async function ask<Answer>(server: ServerProcess, path: string, token?: string): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(new URL(`api/v1/${path}`, server.page), { headers })
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`)
  return (await response.json()) as Answer
}

const CONFIG = `rules:
  - match: fixed/*
    request: { format: flv }
`

test('a rule: added, seen to record, changed, deleted', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), CONFIG)
  await using server = await startServerProcess(folder.path)
  const { page, assertClean } = await openWatched(browser, server.page)
  const sections = page.getByRole('navigation', { name: 'Sections' })
  await sections.getByRole('link', { name: 'Rules' }).click()

  const fixed = page.getByRole('listitem').filter({ hasText: 'fixed/*' })
  await fixed.getByText('From the configuration file: change it there and restart.').waitFor()
  assert.equal(await fixed.getByRole('switch').count(), 0)
  assert.equal(await fixed.getByRole('button').count(), 0)
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.getByRole('link', { name: 'New rule' }).click()
  await page.getByRole('heading', { name: 'New rule' }).and(page.locator(':focus')).waitFor()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('by-rule/{stream')
  await page.getByText('Elements of a name').click()
  await page.getByRole('button', { name: 'Insert {time}' }).click()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('button', { name: 'Add rule' }).click()
  // What is missing is said by the page, what is wrong by the server: each at its field, which takes the focus.
  const match = page.getByLabel('Streams', { exact: true })
  await match.and(page.locator(':focus')).waitFor()
  await page.getByText('say which streams, e.g. live/*').waitFor()
  await match.fill('live/cam*')
  await page.keyboard.press('Enter')
  const name = page.getByLabel('Name', { exact: true })
  await name.and(page.locator(':focus')).waitFor()
  assert.equal(await name.getAttribute('aria-invalid'), 'true')
  assert.match((await page.locator('#rule-name-problem').textContent()) ?? '', /\{stream/)
  assert.deepEqual(await accessibilityProblems(page), [])
  await name.fill('by-rule/{stream}')
  await page.getByText('live/cam1 becomes by-rule/cam1.').waitFor()
  await page.getByText('Matches no stream that is live now.').waitFor()
  await page.getByLabel('Container', { exact: true }).selectOption('mp4')
  await page.getByLabel('After', { exact: true }).fill('1.5')
  await page.getByLabel('Unit of the time').selectOption('h')
  await page.getByRole('button', { name: 'Add rule' }).click()
  await page.getByText('Rule live/cam* added.').waitFor()

  const rule = page.getByRole('listitem').filter({ hasText: 'live/cam*' })
  await rule.getByText('named by-rule/{stream}').waitFor()
  await rule.getByText('new part every 90 min').waitFor()
  const { rules } = await ask<{ rules: RuleRow[] }>(server, 'rules')
  const added = rules.find(({ origin }) => origin === 'api')
  assert.deepEqual(added?.request, { format: 'mp4', name: 'by-rule/{stream}', rotate: { seconds: 5400 } })

  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
  await rule.getByText('1 in progress').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await rule.getByRole('link', { name: 'live/cam1' }).click()
  await page.getByRole('heading', { name: 'live/cam1' }).waitFor()
  await page.getByText('by-rule/cam1.mp4').waitFor()
  await page.goBack()
  await page.getByRole('link', { name: 'Edit rule live/cam*' }).click()

  const save = page.getByRole('button', { name: 'Save' })
  const priority = page.getByLabel('Priority')
  assert.equal(await page.getByLabel('After', { exact: true }).inputValue(), '90')
  await page.getByText('Matches now: live/cam1').waitFor()
  await priority.fill('high')
  await save.click()
  await priority.and(page.locator(':focus')).waitFor()
  await page.getByText('must be a number').waitFor()
  await priority.fill('7')
  await page.getByLabel('Once', { exact: true }).check()
  await page.getByLabel('After', { exact: true }).fill('')
  await save.click()
  await page.getByText('Rule live/cam* saved.').waitFor()
  await rule.getByText('priority 7').waitFor()
  await rule.getByText('once', { exact: true }).waitFor()
  const changed = await ask<RuleRow>(server, `rules/${added?.id}`)
  assert.deepEqual(
    [changed.priority, changed.once, changed.request],
    [7, true, { format: 'mp4', name: 'by-rule/{stream}' }],
  )

  const enabled = rule.getByRole('switch', { name: 'Rule live/cam* enabled' })
  await enabled.click()
  await rule.getByText('off', { exact: true }).waitFor()
  assert.equal(await enabled.getAttribute('aria-checked'), 'false')
  assert.equal((await ask<RuleRow>(server, `rules/${added?.id}`)).enabled, false)

  await rule.getByRole('button', { name: 'Delete rule live/cam*' }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Delete this rule?' })
  await dialog.getByLabel('Stop its 1 recording').check()
  assert.deepEqual(await accessibilityProblems(page), [])
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('Rule live/cam* deleted.').waitFor()
  await rule.waitFor({ state: 'detached' })
  assert.equal(await page.evaluate('document.activeElement.id'), 'page-title')
  assert.deepEqual(
    (await ask<{ rules: RuleRow[] }>(server, 'rules')).rules.map(({ origin }) => origin),
    ['config'],
  )
  const { recordings } = await ask<{ recordings: RecordingDocument[] }>(server, 'recordings')
  assert.deepEqual(
    recordings.map(({ state, rule: by }) => [state, by]),
    [['ready', added?.id]],
  )
  await publisher.stop()
  assertClean(400)
})

test('addresses lead to rules, also back, and what others change is seen', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), CONFIG)
  await using server = await startServerProcess(folder.path)
  const { page, assertClean } = await openWatched(browser, `${server.page}#/rules`)
  await page.getByRole('link', { name: 'Look at rule fixed/*' }).click()
  await page.getByRole('heading', { name: 'Rule fixed/*' }).waitFor()
  await page.getByText("it can't be changed here: change it there and restart the server").waitFor()
  assert.equal(await page.getByLabel('Streams', { exact: true }).isDisabled(), true)
  assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0)
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.reload()
  await page.getByRole('heading', { name: 'Rule fixed/*' }).waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: 'Rules' }).waitFor()
  await page.locator('.link-live').waitFor() // events flow

  const address = new URL('api/v1/rules', server.page)
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ match: 'event/**', record: 'never' })
  const { id } = (await (await fetch(address, { method: 'POST', headers, body })).json()) as RuleRow
  const others = page.getByRole('listitem').filter({ hasText: 'event/**' })
  await others.getByText('never').waitFor()
  await others.getByRole('link', { name: 'Edit rule event/**' }).click()
  await page.getByLabel('Never', { exact: true }).and(page.locator(':checked')).waitFor()
  assert.equal(await page.getByLabel('Container', { exact: true }).count(), 0)
  await fetch(`${address}/${id}`, { method: 'DELETE' })
  await page.getByText('There is no such rule any more.').waitFor()
  assertClean()
})

test('a rule is written by keyboard alone, each control showing that it has the focus', {
  timeout: 60_000,
}, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  await using server = await startServerProcess(folder.path)
  const { page, assertClean } = await openWatched(browser, `${server.page}#/rules/new`)
  await page.getByRole('heading', { name: 'New rule' }).and(page.locator(':focus')).waitFor()
  const tabTo = async (name: string) => {
    await page.keyboard.press('Tab')
    const [found, outline] = await page.evaluate<string[]>(
      `(() => { const e = document.activeElement
        return [e.labels?.[0]?.textContent ?? e.getAttribute('aria-label') ?? e.textContent, getComputedStyle(e).outlineStyle] })()`,
    )
    assert.deepEqual([found?.trim(), outline], [name, 'solid'])
  }
  await tabTo('Streams')
  await page.keyboard.type('rooms/**')
  await tabTo('Always')
  await page.keyboard.press('ArrowDown')
  await tabTo('Container')
  await tabTo('When the file exists')
  await tabTo('Name')
  await page.keyboard.type('{stream}')
  await tabTo('Elements of a name')
  await tabTo('Pre-roll')
  await page.keyboard.type('4')
  await tabTo('Wait for its return')
  await tabTo('Longest')
  await tabTo('After')
  await tabTo('Unit of the time')
  await tabTo('After a size of')
  await tabTo('Unit of the size')
  await tabTo('By the clock')
  await page.keyboard.type('0 0 * * *')
  await tabTo('At the next key frame')
  await tabTo('Priority')
  await tabTo('Besides other rules')
  await page.keyboard.press('Space')
  await tabTo('Enabled')
  await tabTo('Add rule')
  await page.keyboard.press('Enter')
  await page.getByText('Rule rooms/** added.').waitFor()
  const [rule] = (await ask<{ rules: RuleRow[] }>(server, 'rules')).rules
  assert.deepEqual(
    [rule?.match, rule?.record, rule?.additional, rule?.request],
    ['rooms/**', 'demand', true, { name: '{stream}', preRollSeconds: 4, rotate: { at: '0 0 * * *' } }],
  )
  assertClean()
})

test('what others change while a form is open is not taken back', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  await using server = await startServerProcess(folder.path)
  const headers = { 'content-type': 'application/json' }
  const address = new URL('api/v1/rules', server.page)
  const body = JSON.stringify({ match: 'live/*', request: { numbering: 'indexed', metadata: { camera: '7' } } })
  const { id } = (await (await fetch(address, { method: 'POST', headers, body })).json()) as RuleRow
  const { page, assertClean } = await openWatched(browser, `${server.page}#/rules/${id}`)
  await page.getByText('Also set, and kept as it is').waitFor()
  await page.getByLabel('Pre-roll').fill('3')
  await fetch(`${address}/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ priority: 5 }) })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Rule live/* saved.').waitFor()
  const rule = await ask<RuleRow>(server, `rules/${id}`)
  assert.equal(rule.priority, 5)
  assert.deepEqual(rule.request, { numbering: 'indexed', metadata: { camera: '7' }, preRollSeconds: 3 })
  assertClean()
})

test('a token sees what its role may', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const tokens = `auth:
  tokens:
    - { name: desk, token: desk-token-desk-token-0001, role: record }
    - { name: wall, token: wall-token-wall-token-0001, role: play }
`
  await writeFile(folder.at('tapedeck.yaml'), CONFIG + tokens)
  await using server = await startServerProcess(folder.path)
  const { page } = await openWatched(browser, `${server.page}#/rules`)
  await page.getByLabel('Token').fill('desk-token-desk-token-0001')
  await page.keyboard.press('Enter')
  await page.getByText('changing them takes the role admin').waitFor()
  assert.equal(await page.getByRole('link', { name: 'New rule' }).count(), 0)
  assert.equal(await page.getByRole('switch').count(), 0)
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.getByRole('button', { name: 'Forget token' }).click()
  await page.getByLabel('Token').fill('wall-token-wall-token-0001')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').filter({ hasText: 'wall' }).waitFor()
  const sections = page.getByRole('navigation', { name: 'Sections' })
  await sections.getByRole('link', { name: 'Library' }).waitFor()
  assert.equal(await sections.getByRole('link', { name: 'Rules' }).count(), 0)
  assert.deepEqual(await accessibilityProblems(page), [])
})
