import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Naming } from '#recorder/naming.ts'
import { type NameFacts, recordName } from './record-name.ts'
import { readSettings } from './settings.ts'

const FACTS: NameFacts = {
  streamName: 'cam1',
  sessionId: '/192.0.2.7:50159/192.0.2.5:8080',
  mediaSessionId: '5a072377-73c1-4caf-abd3-0123456789ab',
  login: 'alice',
}

/** The file name that the recorder makes of it, final, of a recording from 1 s to 3 s after 1970. */
function file(
  settings: Record<string, string>,
  facts: Partial<NameFacts> = {},
  template?: string,
  codecs = { videoCodec: 'H264', audioCodec: 'AAC' },
): string {
  const read = readSettings(new Map(Object.entries(settings)), 'test')
  const { name, nameText, nameValues } = recordName(read, { ...FACTS, ...facts }, template)
  const naming = new Naming(name, 'UTC', { text: nameText, numbering: 'lastPlain' })
  const values = { stream: 'live/x', id: 'i', startedAtMs: 1_000, part: 1, version: 1, ...codecs }
  const late = { endedAtMs: 3_000, durationMs: 2_000 }
  return naming.format({ ...values, caller: nameValues, late }, '.mp4')
}
const template = (value: string) => ({ stream_record_policy_template: value })

test('the default name, with a login and without', () => {
  assert.equal(file({}), 'stream-5a072377-73c1-4caf-abd3-0123456789ab-alice.mp4')
  assert.equal(file({}, { login: '' }), 'stream-5a072377-73c1-4caf-abd3-0123456789ab-.mp4')
})

test('policy streamName is the stream’s name, unless a caller brings a template', () => {
  assert.equal(file({ stream_record_policy: 'streamName' }), 'cam1.mp4')
  assert.equal(file({ stream_record_policy: 'streamName' }, {}, 'x-{login}'), 'x-alice.mp4')
})

test('every element expands and is cut to its maximum', () => {
  const long = 'x'.repeat(100)
  const facts = { sessionId: long, mediaSessionId: long, login: long }
  for (const [element, length] of [
    ['streamName', 4],
    ['sessionId', 60],
    ['mediaSessionId', 36],
    ['login', 32],
    ['audioCodec', 4],
    ['videoCodec', 4],
  ] as const) {
    const codecs = { videoCodec: long, audioCodec: long }
    assert.equal(file(template(`{${element}}`), facts, undefined, codecs).length, length + '.mp4'.length, element)
  }
  assert.equal(file(template('{sessionId}')), `${Buffer.from(FACTS.sessionId).toString('base64url')}.mp4`)
  assert.equal(file(template('{audioCodec}+{videoCodec}')), 'AAC+H264.mp4')
  assert.equal(file(template('{videoCodec}')), 'H264.mp4')
  const none = { videoCodec: '', audioCodec: '' }
  assert.equal(file(template('{videoCodec}{audioCodec}'), {}, undefined, none), `${FACTS.mediaSessionId}.mp4`)
})

test('times are the recorder’s', () => {
  const all = 'a{startTime}b{startTimeMillis}c{endTime}d{endTimeMillis}e{duration}f'
  assert.equal(file(template(all)), 'a1000b1000c3000d3000e2000f.mp4')
})

test('unknown elements and stray braces stay as written, and a stream’s name is never a template', () => {
  assert.equal(file(template('{x}{{streamName}}{'), { streamName: '{endTime}' }), '{x}{{endTime}}{.mp4')
  assert.equal(file(template('{{startTime}}{login}'), { login: '{id}' }), '{1000}{id}.mp4')
})

test('a slash makes no folder; an encoding gets it as it is, wherever it stands', () => {
  assert.equal(file(template('x/{streamName}'), { streamName: 'a/b' }), 'x_a_b.mp4')
  const excluding = { ...template('{streamName}'), exclude_record_name_characters: '/.' }
  assert.equal(file(excluding, { streamName: 'a/b.c' }), 'abc.mp4')
  for (const [algorithm, encoding] of [
    ['HEX', 'hex'],
    ['BASE64', 'base64url'],
  ] as const) {
    const name = file({ ...template('{streamName}/{startTime}:{login}'), encode_record_name: `true,${algorithm}` })
    assert.equal(Buffer.from(name.slice(0, -4), encoding).toString(), 'cam1/1000:alice')
  }
})

test('a name of nothing is the media session’s id', () => {
  assert.equal(file(template('{login}'), { login: '' }), `${FACTS.mediaSessionId}.mp4`)
  const excluding = { ...template('{login}'), exclude_record_name_characters: 'alice' }
  assert.equal(file(excluding), `${FACTS.mediaSessionId}.mp4`)
})

test('whatever template and names: one component, of at most 255 bytes, not hidden', () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 })
  const piece = fc.oneof(
    text,
    fc.constantFrom('{streamName}', '{login}', '{startTime}', '{endTime}', '/', '..', '{', '}'),
  )
  const encoding = fc.constantFrom('false', 'true,HEX', 'true,BASE64')
  fc.assert(
    fc.property(fc.array(piece), text, text, encoding, (pieces, streamName, login, encode_record_name) => {
      const name = file({ encode_record_name }, { streamName, login }, pieces.join(''))
      assert.ok(Buffer.byteLength(name) <= 255, name)
      assert.doesNotMatch(name, /^\.|[/\\\0]/)
      assert.match(name, /.\.mp4$/)
    }),
  )
})
