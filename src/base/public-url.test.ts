import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publicUrl } from './public-url.ts'

const CASES = [
  ['rtmp://host/live/cam1', 'rtmp://host/live/cam1'],
  ['rtmp://me:secret@host:1936/live/cam1', 'rtmp://***@host:1936/live/cam1'],
  ['rtmp://me:p@ss@[::1]:1936/live/cam1', 'rtmp://***@[::1]:1936/live/cam1'],
  ['rtmps://host/live/cam1?key=secret&x=1', 'rtmps://host/live/cam1?key=***&x=***'],
  ['rtmp://host/live?token=a+b%2F/cam1?key=c', 'rtmp://host/live?token=***/cam1?key=***'],
  ['rtmp://host/live/a@b', 'rtmp://host/live/a@b'],
  ['page+https://host/#/room/S/secret:~:size=2x2', 'page+https://host/#/room/***:~:size=2x2'],
  ['https://host/a/b#/room', 'https://host/a/b#/room'],
  ['no address?key=1', 'no address?key=***'],
  ['', ''],
] as const
for (const [url, shown] of CASES) {
  test(`${url} is shown as ${shown}`, () => assert.equal(publicUrl(url), shown))
}
