import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf } from './imports.ts'
import { serverSources } from './source-files.ts'

/**
 * What each area may import besides itself; the architecture in one table. Types of the configuration are the one
 * thing everybody may name: who takes options says which.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  media: ['base'],
  protocols: ['base', 'media'],
  containers: ['base', 'media'],
  hub: ['base', 'media'],
  storage: ['base', 'media', 'containers'],
  transcode: ['base', 'media'],
  recorder: ['base', 'media', 'containers', 'hub', 'storage', 'transcode'],
  ingest: ['base', 'media', 'protocols', 'hub', 'transcode'],
  compose: ['base', 'media', 'hub', 'transcode'],
  // Rooms: who is in them and what they publish; what they record the recorder does.
  sessions: ['base', 'hub', 'storage', 'recorder'],
  control: ['base', 'media', 'containers', 'hub', 'storage', 'recorder', 'compose', 'sessions'],
  // Front ends and server.ts hand it on; control/ knows only the interface of what it is given.
  hooks: ['base', 'hub', 'storage', 'recorder', 'control'],
  // Keys are checked by the code that will use them: name templates, patterns, requests, types of events.
  config: ['base', 'containers', 'hub', 'recorder', 'control', 'transcode'],
  // Files that were recorded elsewhere: read by ingest's reader, written by our containers, named by the recorder.
  uploads: ['base', 'media', 'containers', 'hub', 'storage', 'recorder', 'ingest', 'control'],
  // Kept tracks: read by ingest's reader, composed by compose's child, named by the recorder.
  recompose: ['base', 'media', 'containers', 'hub', 'storage', 'recorder', 'ingest', 'compose', 'control'],
  api: ['base', 'media', 'containers', 'hub', 'storage', 'recorder', 'compose', 'sessions', 'control', 'hooks'],
  cli: ['base', 'containers', 'storage', 'recorder', 'config'],
  // Over the core, never the other way: what a facade needs of a session is an interface of the session's.
  facades: [
    'base',
    'media',
    'containers',
    'hub',
    'storage',
    'recorder',
    'compose',
    'sessions',
    'ingest',
    'control',
    'config',
    'api',
  ],
}
const ANYWHERE_AS_TYPE = 'src/config/config.ts'

/** Areas that see no socket, file, clock or logger. */
const PURE = ['media', 'protocols', 'containers']
const PURE_MODULES = /^(node:(crypto|buffer|zlib|util|assert)|sdp-transform$)/

const files = serverSources()

test('imports point one way', () => {
  const turned: string[] = []
  for (const file of files) {
    const area = areaOf(file.path)
    if (area === undefined) continue // main.ts and its like at the top know everything
    const allowed = ARROWS[area]
    assert.ok(allowed !== undefined, `${file.path}: src/${area} is no area of the table in this test`)
    for (const { specifier, target, typeOnly } of importsOf(file)) {
      if (target === undefined) continue
      const to = areaOf(target)
      const isFine =
        to === area || (to !== undefined && allowed.includes(to)) || (typeOnly && target === ANYWHERE_AS_TYPE)
      if (!isFine) turned.push(`${file.path} imports ${specifier}`)
    }
  }
  assert.deepEqual(turned, [])
})

test('media, protocols and containers see no socket, file, clock or logger', () => {
  const impure: string[] = []
  for (const { path, text } of files.filter((file) => PURE.includes(areaOf(file.path) ?? ''))) {
    for (const { specifier, target } of importsOf({ path, text })) {
      if (target === undefined && !PURE_MODULES.test(specifier)) impure.push(`${path} imports ${specifier}`)
    }
    for (const [word] of text.matchAll(
      /\b(Date\.now|new Date\(\)|performance\.now|setTimeout|setInterval|console\.\w+|process\.\w+)/g,
    )) {
      impure.push(`${path} uses ${word}`)
    }
  }
  assert.deepEqual(impure, [])
})

test('other areas are imported by their # names', () => {
  const relative = files.flatMap((file) =>
    importsOf(file)
      .filter(({ specifier, target }) => specifier.startsWith('.') && areaOf(target ?? '') !== areaOf(file.path))
      .filter(() => areaOf(file.path) !== undefined)
      .map(({ specifier }) => `${file.path} imports ${specifier}`),
  )
  assert.deepEqual(relative, [])
})

/** `src/hub/stream.ts` → `hub`; undefined for files at the top. */
function areaOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}
