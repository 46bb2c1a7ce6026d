import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { TempFolder } from '#test/support/temp-folder.ts'
import { defaultRecordingProperties } from '../defaults.ts'
import type { RecordingProperties } from '../properties.ts'
import { isPage, type LayoutContext, layoutPage } from './layout-url.ts'

const LOCAL = 'https://localhost:8443'

function context(
  settings: Partial<LayoutContext['settings']> = {},
  layoutUrls: LayoutContext['layoutUrls'] = [],
): LayoutContext {
  const all = {
    compat: 'modern',
    secret: 'a_secret',
    customLayout: '',
    composedUrl: '',
    composedBasicAuth: true,
  } as const
  return {
    settings: { ...all, ...settings },
    localUrl: () => LOCAL,
    publicAddress: () => ({ url: 'https://media.example', tokenHost: 'media.example' }),
    layoutUrls,
  }
}

function properties(given: Partial<RecordingProperties>): RecordingProperties {
  return { ...defaultRecordingProperties('modern'), ...given }
}

test('a page of the folder is ours, in whichever sub-folder, and is told where servers of the first versions were', async () => {
  await using folder = await TempFolder.make()
  await mkdir(folder.at('layout 1'))
  for (const page of ['index.html', 'layout 1/index.html']) await writeFile(folder.at(page), '<p>page')
  const given = context({ customLayout: folder.path })
  const query = 'sessionId=S&secret=a_secret'
  for (const [customLayout, path] of [
    ['', 'openvidu/layouts/index.html'],
    ['/layout 1/', 'openvidu/layouts/layout%201/index.html'],
  ] as const) {
    assert.deepEqual(await layoutPage('S', properties({ recordingLayout: 'CUSTOM', customLayout }), given), {
      url: `${LOCAL}/${path}?${query}`,
      alsoAtPort: 4443,
    })
  }
  const custom = properties({ recordingLayout: 'CUSTOM' })
  const classic = context({ customLayout: folder.path, compat: 'classic' })
  assert.equal((await layoutPage('S', custom, classic)).url, `${LOCAL}/layouts/custom/index.html?${query}`)
  const atFirstPort = { ...given, localUrl: () => 'https://localhost:4443' }
  assert.equal((await layoutPage('S', custom, atFirstPort)).alsoAtPort, undefined)
  const elsewhere = context({ customLayout: folder.path, composedUrl: 'https://pages.example:5000/x/' })
  const { url } = await layoutPage('S', custom, elsewhere)
  assert.equal(url, `https://OPENVIDUAPP:a_secret@pages.example:5000/x/openvidu/layouts/index.html?${query}`)
})

test('what is not in the folder is refused', async () => {
  await using folder = await TempFolder.make()
  await mkdir(folder.at('layouts'))
  await writeFile(folder.at('index.html'), '<p>outside')
  const missing = { code: 'openvidu/layout-missing' }
  for (const customLayout of ['none', '..', '../..', '.', '']) {
    const asked = properties({ recordingLayout: 'CUSTOM', customLayout })
    await assert.rejects(layoutPage('S', asked, context({ customLayout: folder.at('layouts') })), missing, customLayout)
  }
  await assert.rejects(layoutPage('S', properties({ recordingLayout: 'CUSTOM' }), context()), missing)
})

test("a full URL is opened when it is below one of the operator's, with the room in its query", async () => {
  const allowed = context({}, ['https://pages.example/layouts'])
  const open = async (customLayout: string) =>
    (await layoutPage('S', properties({ recordingLayout: 'CUSTOM', customLayout }), allowed)).url
  const query = 'sessionId=S&secret=a_secret'
  assert.equal(
    await open('https://pages.example/layouts/one?big=1'),
    `https://pages.example/layouts/one?big=1&${query}`,
  )
  assert.equal(await open('https://pages.example/layouts'), `https://pages.example/layouts?${query}`)
  for (const other of [
    'https://pages.example/',
    'https://pages.example/layouts-of-others',
    'https://pages.example/layouts/../x',
    'https://pages.example:444/layouts/one',
    'http://pages.example/layouts/one',
    'https://pages.example@evil.example/layouts/one',
    'https://me:you@pages.example/layouts/one',
    'file:///etc/passwd',
    'https://',
  ]) {
    await assert.rejects(open(other), { code: 'openvidu/layout-missing' }, other)
  }
})

test('COMPOSED_URL: the default layout is a page of that host; else it is the grid', async () => {
  const settings = { composedUrl: 'https://pages.example/', composedBasicAuth: false }
  assert.equal(isPage(properties({}), { composedUrl: '' }), false)
  assert.equal(isPage(properties({}), settings), true)
  for (const no of [{ hasVideo: false }, { outputMode: 'INDIVIDUAL' }] as const) {
    assert.equal(isPage(properties({ ...no, recordingLayout: 'CUSTOM' }), settings), false)
  }
  const { url } = await layoutPage('S', properties({ hasAudio: false }), context(settings))
  assert.equal(url, 'https://pages.example/#/layout-best-fit/S/a_secret/443/true')
})
