import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PullUrlError } from '../errors.ts'
import { parsePageUrl } from './page-url.ts'

const VIEW = { widthPixels: 1280, heightPixels: 720, frameRate: 25 }

test('the address is the page’s, with what its fragment says to us', () => {
  assert.deepEqual(parsePageUrl('page+https://me:secret@host/a?b=c#d', VIEW), {
    scheme: 'page+https',
    url: 'https://me:secret@host/a?b=c#d',
    shown: 'page+https://***@host/a?b=***#d',
    view: VIEW,
  })
  const { url, view } = parsePageUrl('PAGE+HTTP://host/#/route:~:size=1920x1080&text=found&fps=30', VIEW)
  assert.equal(url, 'HTTP://host/#/route:~:size=1920x1080&text=found&fps=30')
  assert.deepEqual(view, { widthPixels: 1920, heightPixels: 1080, frameRate: 30 })
  assert.deepEqual(parsePageUrl('page+http://host/#size=10x10', VIEW).view, VIEW)
  assert.equal(parsePageUrl('page+http://host:81/#:~:fps=30&port=4443', VIEW).alsoAtPort, 4443)
})

test('what is no page, or of no size, is refused', () => {
  const wrong = [
    'page+file:///etc/passwd',
    'page+https://',
    'page+https://host/ a',
    `page+https://host/${'a'.repeat(2048)}`,
    'page+https://host/#:~:size=1281x720',
    'page+https://host/#:~:size=10x10',
    'page+https://host/#:~:size=9999x720',
    'page+https://host/#:~:size=',
    'page+https://host/#:~:fps=0',
    'page+https://host/#:~:fps=61',
    'page+https://host/#:~:fps=1e1',
    'page+https://host/#:~:port=0',
    'page+https://host/#:~:port=65536',
  ]
  for (const url of wrong) assert.throws(() => parsePageUrl(url, VIEW), PullUrlError, url)
})
