import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applicationPlace, streamTarget } from './stream-name.ts'

const CASES = [
  { app: 'live', name: 'cam1', path: 'live/cam1', query: {} },
  { app: 'live/', name: '/cam1', path: 'live/cam1', query: {} },
  { app: 'live/_definst_', name: 'cam1', path: 'live/cam1', query: {} },
  { app: 'live/studio', name: 'cam1', path: 'live/studio/cam1', query: {} },
  { app: 'live', name: 'a/b/c', path: 'live/a/b/c', query: {} },
  { app: 'live', name: 'cam1?key=secret&x=1', path: 'live/cam1', query: { key: 'secret', x: '1' } },
  { app: 'live?key=app', name: 'cam1', path: 'live/cam1', query: { key: 'app' } },
  { app: 'live', url: 'rtmp://host/live?key=url', name: 'cam1', path: 'live/cam1', query: { key: 'url' } },
  { app: 'live?key=app', url: 'rtmp://host/live?key=url', name: 'c?key=name', path: 'live/c', query: { key: 'name' } },
  { app: 'live', name: '../x', path: 'live/../x', query: {} }, // refused by the hub
  { app: 'live', name: '', path: '', query: {} },
  { app: 'live', name: '?key=1', path: '', query: { key: '1' } },
]
for (const { app, url = '', name, path, query } of CASES) {
  test(`stream name: ${app} ${url} ${name}`, () => {
    const target = streamTarget(app, url, name)
    assert.deepEqual([target.path, { ...target.query }], [path, query])
  })
}

const PLACES = [
  { app: 'live', place: { app: 'live', instance: '', query: {} } },
  { app: 'live/_definst_', place: { app: 'live', instance: '', query: {} } },
  { app: '/live/studio/', place: { app: 'live', instance: 'studio', query: {} } },
  {
    app: 'live/a/b?x=1',
    url: 'rtmp://h/live/a/b?x=2&y=3',
    place: { app: 'live', instance: 'a/b', query: { x: '1', y: '3' } },
  },
  { app: '', place: { app: '', instance: '', query: {} } },
]
for (const { app, url = '', place } of PLACES) {
  test(`application: ${app} ${url}`, () => {
    const read = applicationPlace(app, url)
    assert.deepEqual({ ...read, query: { ...read.query } }, place)
  })
}
