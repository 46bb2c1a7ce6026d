import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NameFacts, namesCodecs, recordName } from './record-name.ts'
import { readSettings } from './settings.ts'

const FACTS: NameFacts = {
  streamName: 'cam1',
  sessionId: '/192.0.2.7:50159/192.0.2.5:8080',
  mediaSessionId: '5a072377-73c1-4caf-abd3-0123456789ab',
  login: 'alice',
  audioCodec: 'AAC',
  videoCodec: 'H264',
}

function name(settings: Record<string, string>, facts: Partial<NameFacts> = {}, template?: string) {
  return recordName(readSettings(new Map(Object.entries(settings)), 'test'), { ...FACTS, ...facts }, template)
}
/** What the name says when there is no time in it. */
const text = (...args: Parameters<typeof name>) => {
  const { name: template, nameValues } = name(...args)
  assert.equal(template, '{stream}')
  return nameValues.stream
}
const template = (value: string) => ({ stream_record_policy_template: value })

test('the default name, with a login and without', () => {
  assert.equal(text({}), 'stream-5a072377-73c1-4caf-abd3-0123456789ab-alice')
  assert.equal(text({}, { login: '' }), 'stream-5a072377-73c1-4caf-abd3-0123456789ab-')
})

test('policy streamName is the stream’s name, unless a caller brings a template', () => {
  assert.equal(text({ stream_record_policy: 'streamName' }), 'cam1')
  assert.equal(text({ stream_record_policy: 'streamName' }, {}, 'x-{login}'), 'x-alice')
})

test('every element expands and is cut to its maximum', () => {
  const long = 'x'.repeat(100)
  const facts = { sessionId: long, mediaSessionId: long, login: long, audioCodec: long, videoCodec: long }
  for (const [element, length] of [
    ['streamName', 4],
    ['sessionId', 60],
    ['mediaSessionId', 36],
    ['login', 32],
    ['audioCodec', 4],
    ['videoCodec', 4],
  ] as const) {
    assert.equal(text(template(`{${element}}`), facts)?.length, length, element)
  }
  assert.equal(text(template('{sessionId}')), Buffer.from(FACTS.sessionId).toString('base64url'))
  assert.equal(text(template('{audioCodec}+{videoCodec}')), 'AAC+H264')
})

test('times are the recorder’s, what stands between them is not a template', () => {
  assert.deepEqual(name(template('a{login}{startTime}-{endTime}{x}{duration}')), {
    name: '{stream}{partStartTime:20}{sessionId}{endTime:20}{mediaSessionId}{duration}',
    nameText: { exclude: '', encoding: 'none' },
    nameValues: { stream: 'aalice', sessionId: '-', mediaSessionId: '{x}' },
  })
})

test('unknown elements and stray braces stay as written, and a stream’s name is never a template', () => {
  assert.equal(text(template('{x}{{streamName}}{'), { streamName: '{endTime}' }), '{x}{{endTime}}{')
})

test('a slash makes no folder; an encoding gets it as it is', () => {
  assert.equal(text(template('x/{streamName}'), { streamName: 'a/b' }), 'x_a_b')
  assert.equal(
    text({ ...template('{streamName}'), exclude_record_name_characters: '/.' }, { streamName: 'a/b.c' }),
    'abc',
  )
  assert.equal(text({ ...template('{streamName}'), encode_record_name: 'true' }, { streamName: 'a/b' }), 'a/b')
})

test('a name of nothing is the media session’s id', () => {
  assert.equal(text(template('{login}'), { login: '' }), FACTS.mediaSessionId)
  assert.equal(text({ ...template('{login}'), exclude_record_name_characters: 'alice' }), FACTS.mediaSessionId)
})

test('more texts between times than the recorder has places for are refused', () => {
  const many = 'a{startTime}b{startTime}c{startTime}d{startTime}'
  assert.doesNotThrow(() => name(template(many)))
  assert.throws(() => name(template(`${many}e`)), { code: 'flashphoner/template-invalid' })
})

test('codecs in a name are noticed', () => {
  const settings = readSettings(new Map(Object.entries(template('{videoCodec}'))), 'test')
  assert.equal(namesCodecs(settings), true)
  assert.equal(namesCodecs(settings, '{streamName}'), false)
  assert.equal(namesCodecs({ ...settings, policy: 'streamName' }), false)
})
