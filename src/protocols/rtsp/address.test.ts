import assert from 'node:assert/strict'
import { test } from 'node:test'
import { controlAddress, parseStreamAddress, withoutControl } from './address.ts'

const ADDRESSES = [
  ['rtsp://host/live/cam1', 'live/cam1', {}, 'rtsp://host/live/cam1'],
  ['rtsp://me:p@ss@host:8554/live/cam1/?key=a/b', 'live/cam1', { key: 'a/b' }, 'rtsp://host:8554/live/cam1'],
  ['rtsps://[::1]:8322/a%20b?x=1&x=2', 'a b', { x: '2' }, 'rtsps://[::1]:8322/a%20b'],
  ['/live//cam1', 'live//cam1', {}, '/live//cam1'],
  ['rtsp://host', '', {}, 'rtsp://host/'],
  ['rtsp://host/50%', '50%', {}, 'rtsp://host/50%'],
  ['*', '*', {}, '/*'],
] as const
for (const [uri, path, query, base] of ADDRESSES) {
  test(`${uri} is ${path}`, () => {
    const address = parseStreamAddress(uri)
    assert.deepEqual({ ...address, query: { ...address.query } }, { path, query, base })
  })
}

const MEDIA = [
  ['rtsp://h/live/cam1/trackID=1', 'trackID=1', 'rtsp://h/live/cam1'],
  ['rtsp://h/live/cam1?key=a/b/trackID=1/', 'trackID=1', 'rtsp://h/live/cam1?key=a/b'],
  ['rtsp://h/live/cam1/streamid=0', 'rtsp://other/live/cam2/streamid=0', undefined],
  ['rtsp://h/live/cam1/streamid=0', 'rtsp://h/streamid=0', 'rtsp://h/live/cam1'],
  ['rtsp://h/live/cam1', 'trackID=1', undefined],
  ['rtsp://h/live/cam1', '', undefined],
] as const
for (const [uri, control, stream] of MEDIA) {
  test(`${uri} without ${control}`, () => assert.equal(withoutControl(uri, control), stream))
}

const CONTROLS = [
  ['rtsp://h/live/cam1', 'trackID=1', 'rtsp://h/live/cam1/trackID=1'],
  ['rtsp://h/live/cam1/', 'trackID=1', 'rtsp://h/live/cam1/trackID=1'],
  ['rtsp://h/cam?channel=1&subtype=0', 'trackID=1', 'rtsp://h/cam?channel=1&subtype=0/trackID=1'],
  ['rtsp://h/live', 'rtsp://h/elsewhere/1', 'rtsp://h/elsewhere/1'],
  ['rtsp://h/live/cam1', '/media/1', 'rtsp://h/media/1'],
  ['rtsp://h/live', '*', 'rtsp://h/live'],
  ['rtsp://h/live', '', 'rtsp://h/live'],
] as const
for (const [base, control, address] of CONTROLS) {
  test(`${control} of ${base}`, () => assert.equal(controlAddress(base, control), address))
}
