import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { execArguments, readEvent, withPlace } from './exec-arguments.ts'

const delivery = (type: string, data: object, stream = 'live/east/cam1') => ({
  id: '01jd0000000000000000000000',
  hook: 'desk',
  attempts: 0,
  sinceMs: 0,
  eventType: type,
  stream,
  recording: null,
  document: JSON.stringify({ id: 'e-1', type, at: '2026-11-20T00:00:00.000Z', data }),
})

const argumentsOf = (templates: readonly string[], given: ReturnType<typeof delivery>, root: string) =>
  execArguments(templates, given, readEvent(given), root)

test('arguments are filled in, and nothing that a name holds is taken for an element', () => {
  const part = partSample({ index: 3, root: '/tapes', path: 'live/{event}/x.mp4' })
  const given = delivery('part.ready', { recording: recordingSample(), part })
  const templates = [
    '{path}',
    '{file}',
    '--app={app}',
    '{stream}.{part}.{format}',
    '{recording}',
    '{event}',
    '{none}',
    '',
  ]
  const { args, workingDirectory, environment } = argumentsOf(templates, given, '/default')
  assert.deepEqual(args, [
    'live/east/cam1',
    '/tapes/live/{event}/x.mp4',
    '--app=live/east',
    'cam1.3.mp4',
    recordingSample().id,
    'part.ready',
    '{none}',
    '',
  ])
  assert.equal(workingDirectory, '/tapes')
  assert.equal(environment['TAPEDECK_EVENT'], given.document)
  assert.equal(environment['TAPEDECK_FILE'], '/tapes/live/{event}/x.mp4')
  assert.equal(environment['TAPEDECK_ATTEMPT'], '1')
})

test('of a whole recording the file is the last, of a stream there is none', () => {
  const parts = [partSample(), partSample({ index: 2, path: 'b.mp4' })]
  const whole = argumentsOf(['{file}'], delivery('recording.ready', { recording: recordingSample({ parts }) }), '/')
  assert.deepEqual(whole.args, ['/recordings/b.mp4'])
  const none = argumentsOf(['{path}', '{file}'], delivery('stream.started', { stream: {} }, 'cam'), '/default')
  assert.deepEqual([none.args, none.workingDirectory], [['cam', ''], '/default'])
})

test('what a variable of the environment can not hold is shortened there, and whole on standard input', () => {
  const parts = Array.from({ length: 1_000 }, (_, index) => partSample({ index: index + 1 }))
  const given = delivery('part.ready', { recording: recordingSample({ parts }), part: parts[999] })
  const { environment, input } = argumentsOf([], given, '/')
  assert.deepEqual(input, JSON.parse(given.document))
  assert.equal(environment['TAPEDECK_EVENT_SHORTENED'], '1')
  const text = environment['TAPEDECK_EVENT'] ?? ''
  assert.ok(text.length < 120_000)
  const { data } = JSON.parse(text)
  assert.deepEqual([data.part.index, data.recording.parts, data.recording.id], [1_000, [], recordingSample().id])
})

test('a file that is called otherwise by now is called so everywhere in the event', () => {
  const recording = recordingSample({ parts: [partSample(), partSample({ index: 2 })] })
  const event = readEvent(delivery('part.ready', { recording, part: partSample() }))
  const { data } = withPlace(event, { index: 1, root: '/tapes', path: 'a_0.mp4' })
  assert.deepEqual(data.part, partSample({ root: '/tapes', path: 'a_0.mp4' }))
  assert.deepEqual(data.recording?.parts, [partSample({ root: '/tapes', path: 'a_0.mp4' }), partSample({ index: 2 })])
})
