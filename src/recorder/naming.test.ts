import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type NameReading,
  NameTemplateError,
  type NameValues,
  Naming,
  type NamingRules,
  type NumberShown,
} from './naming.ts'

const DEFAULT = '{app}/{stream}/{date}-{time}'
const ID = '01jd3e7vzy8k2n4q6s8t0w2y4a'
/** 2026-11-20 06:41:05.250 UTC */
const STARTED_AT_MS = Date.UTC(2026, 10, 20, 6, 41, 5, 250)
const VALUES: NameValues = {
  stream: 'live/cam1',
  id: ID,
  startedAtMs: STARTED_AT_MS,
  part: 1,
  version: 1,
  videoCodec: 'h264',
  audioCodec: 'aac',
}

interface Case {
  readonly name: string
  readonly template?: string
  readonly rules?: NamingRules
  readonly shown?: NumberShown
  readonly extension?: string
  readonly values?: Partial<NameValues>
  readonly timeZone?: string
  readonly path: string
  /** What the path gives back; undefined when the value was changed to be safe. */
  readonly reading?: Omit<NameReading, 'part' | 'version' | 'extension'> &
    Partial<Pick<NameReading, 'part' | 'version'>>
}
const SECOND_MS = STARTED_AT_MS - 250

const CASES: readonly Case[] = [
  {
    name: 'default',
    path: 'live/cam1/2026-11-20-06-41-05.mp4',
    reading: { app: 'live', stream: 'cam1', startedAtMs: SECOND_MS },
  },
  {
    name: 'deep path',
    values: { stream: 'a/b/c' },
    path: 'a/b/c/2026-11-20-06-41-05.mp4',
    reading: { app: 'a', stream: 'b/c', startedAtMs: SECOND_MS },
  },
  {
    name: 'no app, no folder',
    values: { stream: 'cam1' },
    path: 'cam1/2026-11-20-06-41-05.mp4',
    reading: { stream: 'cam1', startedAtMs: SECOND_MS },
  },
  {
    name: 'time zone east, summer',
    values: { startedAtMs: Date.UTC(2026, 6, 1, 22, 30, 0) },
    timeZone: 'Europe/Vienna',
    path: 'live/cam1/2026-07-02-00-30-00.mp4',
    reading: { app: 'live', stream: 'cam1', startedAtMs: Date.UTC(2026, 6, 1, 22, 30, 0) },
  },
  {
    name: 'time zone west, half an hour',
    timeZone: 'America/St_Johns',
    path: 'live/cam1/2026-11-20-03-11-05.mp4',
    reading: { app: 'live', stream: 'cam1', startedAtMs: SECOND_MS },
  },
  {
    name: 'the repeated hour reads as the first',
    values: { startedAtMs: Date.UTC(2026, 9, 25, 0, 30, 0) },
    timeZone: 'Europe/Vienna',
    path: 'live/cam1/2026-10-25-02-30-00.mp4',
    reading: { app: 'live', stream: 'cam1', startedAtMs: Date.UTC(2026, 9, 25, 0, 30, 0) },
  },
  {
    name: 'later part',
    values: { part: 12 },
    path: 'live/cam1/2026-11-20-06-41-05_part0012.mp4',
    reading: { app: 'live', stream: 'cam1', startedAtMs: SECOND_MS, part: 12 },
  },
  {
    name: 'version and part',
    values: { part: 2, version: 3 },
    path: 'live/cam1/2026-11-20-06-41-05_v3_part0002.mp4',
    reading: { app: 'live', stream: 'cam1', startedAtMs: SECOND_MS, part: 2, version: 3 },
  },
  {
    name: 'the template places the part',
    template: '{path}/{part}-{id}',
    values: { part: 2 },
    path: `live/cam1/0002-${ID}.mp4`,
    reading: { path: 'live/cam1', id: ID, part: 2 },
  },
  {
    name: 'epoch and codecs',
    template: '{stream}-{startTime}-{videoCodec}-{audioCodec}',
    path: `cam1-${STARTED_AT_MS}-h264-aac.mp4`,
    reading: { stream: 'cam1', startedAtMs: STARTED_AT_MS, videoCodec: 'h264', audioCodec: 'aac' },
  },
  {
    name: 'no audio',
    template: '{stream}-{videoCodec}-{audioCodec}x',
    values: { audioCodec: '' },
    path: 'cam1-h264-x.mp4',
    reading: { stream: 'cam1', videoCodec: 'h264' },
  },
  {
    name: 'an empty codec folder is left out',
    template: '{audioCodec}/{stream}',
    values: { audioCodec: '' },
    path: 'cam1.mp4',
    reading: { stream: 'cam1' },
  },
  {
    name: 'shortened',
    template: '{stream:3}_x',
    values: { stream: 'live/gäßchen' },
    path: 'gäß_x.mp4',
    reading: { stream: 'gäß' },
  },
  { name: 'an element twice', template: '{stream}/{stream}', path: 'cam1/cam1.mp4', reading: { stream: 'cam1' } },
  { name: 'dots escape nothing', values: { stream: '../..' }, path: '__/__/2026-11-20-06-41-05.mp4' },
  { name: 'hidden names', values: { stream: '.ssh/.x' }, path: '_ssh/_x/2026-11-20-06-41-05.mp4' },
  { name: 'an absolute path', template: '{path}', values: { stream: '//etc//passwd' }, path: 'etc/passwd.mp4' },
  {
    name: 'what Windows refuses',
    template: '{stream}',
    values: { stream: 'a/x:y*?"<>|\\z. ' },
    path: 'x_y_______z_.mp4',
  },
  { name: 'reserved name', template: '{stream}/x', values: { stream: 'a/NUL' }, path: '_NUL/x.mp4' },
  { name: 'direction override', template: '{stream}', values: { stream: 'a/x\u202egpj' }, path: 'x_gpj.mp4' },
  {
    name: 'braces are no template',
    template: '{stream}',
    values: { stream: 'a/{id}' },
    path: '{id}.mp4',
    reading: { stream: '{id}' },
  },
  {
    name: 'too long, with part',
    template: '{stream}',
    values: { stream: `a/${'ü'.repeat(300)}`, part: 2 },
    path: `${'ü'.repeat(121)}_part0002.mp4`,
  },
  {
    name: 'too long, cut inside a character',
    template: '{stream}',
    values: { stream: `a/${'x'.repeat(240)}${'😀'.repeat(10)}`, version: 12 },
    path: `${'x'.repeat(240)}😀_v12.mp4`,
  },
  {
    name: 'too long, an extension of the caller’s, room kept',
    template: '{stream}',
    extension: '.MP4',
    rules: { reserveBytes: 13 },
    values: { stream: `a/${'x'.repeat(300)}` },
    path: `${'x'.repeat(238)}.MP4`,
  },
  {
    name: 'every piece of a path',
    template: '{app}/{instance}/{name}',
    values: { stream: 'live/_definst_/a/cam1' },
    path: 'live/_definst_/a/cam1.mp4',
    reading: { app: 'live', others: { instance: '_definst_/a', name: 'cam1' } },
  },
  {
    name: 'no instance',
    template: '{app}/{instance}/{name}',
    path: 'live/cam1.mp4',
  },
  {
    name: 'date folders, compact',
    template: '{stream}/{dateCompact}/{stream}-{dateCompact}-{timeCompact}',
    path: 'cam1/20261120/cam1-20261120-064105.mp4',
    reading: { stream: 'cam1', startedAtMs: SECOND_MS },
  },
  {
    name: 'date folders, one each',
    template: '{year}/{month}/{day}/{hour}.{minute}.{second}.{millisecond}-{zone}',
    path: '2026/11/20/06.41.05.250-UTC.mp4',
    reading: { startedAtMs: SECOND_MS, others: { millisecond: '250', zone: 'UTC' } },
  },
  {
    name: 'a part’s own time takes the place of its number',
    template: '{stream}/{partDateCompact}/{partTimeCompact}',
    values: { part: 3, partStartedAtMs: STARTED_AT_MS + 86_400_000 },
    path: 'cam1/20261121/064105.mp4',
    reading: { stream: 'cam1', others: { partDateCompact: '20261121', partTimeCompact: '064105' } },
  },
  {
    name: 'a part’s number from zero',
    template: '{name}_{partIndex}',
    values: { part: 3 },
    path: 'cam1_2.mp4',
    reading: { others: { name: 'cam1', partIndex: '2' } },
  },
  {
    name: 'what the caller knows',
    template: 'stream-{sessionId:60}-{mediaSessionId:36}-{login:32}',
    values: { caller: { sessionId: 'LzE5Mi4w', mediaSessionId: '5a07237773c1', login: 'ann' } },
    path: 'stream-LzE5Mi4w-5a07237773c1-ann.mp4',
    reading: { others: { sessionId: 'LzE5Mi4w', mediaSessionId: '5a07237773c1', login: 'ann' } },
  },
  {
    name: 'a caller without a login',
    template: 'stream-{mediaSessionId}-{login}',
    values: { caller: { mediaSessionId: 'm1' } },
    path: 'stream-m1-.mp4',
    reading: { others: { mediaSessionId: 'm1' } },
  },
  {
    name: 'nothing left: the media session',
    template: '{login}',
    values: { caller: { mediaSessionId: '../m1' } },
    path: '_._m1.mp4',
  },
  {
    name: 'the caller says what the stream is called',
    template: '{stream}',
    values: { caller: { stream: 'front door' } },
    path: 'front door.mp4',
    reading: { stream: 'front door' },
  },
  {
    name: 'known only at the end: as written until then, uncut',
    template: '{stream}-{startTimeMillis}-{endTime:4}',
    path: `cam1-${STARTED_AT_MS}-{endTime}.mp4`,
    reading: { stream: 'cam1', startedAtMs: STARTED_AT_MS, others: { endTime: '{endTime}' } },
  },
  {
    name: 'known at the end',
    template: '{stream}-{endTimeMillis}-{duration}',
    values: { late: { endedAtMs: STARTED_AT_MS + 61_000, durationMs: 60_999.6 }, part: 2 },
    path: `cam1-${STARTED_AT_MS + 61_000}-61000.mp4`,
    reading: { stream: 'cam1', others: { endTimeMillis: String(STARTED_AT_MS + 61_000), duration: '61000' } },
  },
  {
    name: 'a duration alone does not tell parts apart',
    template: '{stream}-{duration}',
    values: { late: { endedAtMs: 0, durationMs: 5 }, part: 2 },
    path: 'cam1-5_part0002.mp4',
    reading: { stream: 'cam1', part: 2, others: { duration: '5' } },
  },
  {
    name: 'doubled braces are braces',
    template: '{{foo}}-{stream}',
    path: '{foo}-cam1.mp4',
    reading: { stream: 'cam1' },
  },
  {
    name: 'characters left out, before anything is read into them',
    template: '{path}.{time}',
    rules: { text: { exclude: ':.,/😀' } },
    values: { stream: 'a/b.c,d😀' },
    path: 'abcd06-41-05.mp4',
  },
  {
    name: 'hex',
    template: 'rec/{path}',
    rules: { text: { exclude: '1', encoding: 'hex' } },
    values: { part: 2 },
    path: '726563/6c6976652f63616d_part0002.mp4',
    reading: { path: 'live/cam', part: 2 },
  },
  {
    name: 'base64url',
    template: '{stream}',
    rules: { text: { encoding: 'base64url' } },
    values: { stream: 'a/>>>???ü' },
    path: 'Pj4-Pz8_w7w.mp4',
    reading: { stream: '>>>???ü' },
  },
  {
    name: 'hex too long: the number stays',
    template: '{stream}',
    rules: { text: { encoding: 'hex' } },
    values: { stream: `a/${'z'.repeat(300)}`, part: 2 },
    path: `${'7a'.repeat(121)}_part0002.mp4`,
  },
  {
    name: 'a path as it is',
    template: '',
    rules: { path: '2026/{stream} 100%', text: { encoding: 'hex' } },
    path: '2026/{stream} 100%.mp4',
    reading: {},
  },
  { name: 'a hostile path', template: '', rules: { path: './/.ssh/..a\\b\0/c:d' }, path: '_ssh/_.a_b_/c_d.mp4' },
  {
    name: 'indexed: one file',
    template: '{stream}',
    rules: { numbering: 'indexed' },
    path: 'cam1.mp4',
    reading: { stream: 'cam1', part: 0 },
  },
  {
    name: 'indexed: taken',
    template: '{stream}',
    rules: { numbering: 'indexed' },
    values: { version: 2 },
    path: 'cam1_0001.mp4',
    reading: { stream: 'cam1', part: 0, version: 2 },
  },
  {
    name: 'indexed: first of several parts',
    template: '{stream}',
    rules: { numbering: 'indexed' },
    shown: { numbered: true },
    path: 'cam1_part0000.mp4',
    reading: { stream: 'cam1', part: 1 },
  },
  {
    name: 'indexed: taken, a later part',
    template: '{stream}',
    rules: { numbering: 'indexed' },
    values: { part: 9, version: 8193 },
    path: 'cam1_8192_part0008.mp4',
    reading: { stream: 'cam1', part: 9, version: 8193 },
  },
  {
    name: 'lastPlain: whatever is recorded now',
    template: '{stream}',
    rules: { numbering: 'lastPlain' },
    values: { part: 3 },
    path: 'cam1.mp4',
    reading: { stream: 'cam1', part: 0 },
  },
  {
    name: 'lastPlain: a part that is over',
    template: '{stream}',
    rules: { numbering: 'lastPlain' },
    values: { part: 3 },
    shown: { numbered: true },
    path: 'cam1_3.mp4',
    reading: { stream: 'cam1', part: 3 },
  },
  {
    name: 'lastPlain: taken, a part that is over',
    template: '{stream}',
    rules: { numbering: 'lastPlain' },
    values: { part: 3, version: 2 },
    shown: { numbered: true },
    path: 'cam1_2_3.mp4',
    reading: { stream: 'cam1', part: 3, version: 2 },
  },
]

for (const { name, template = DEFAULT, rules, values, shown, extension, timeZone = 'UTC', path, reading } of CASES) {
  test(`naming: ${name}`, () => {
    const naming = new Naming(template, timeZone, rules)
    assert.equal(naming.format({ ...VALUES, ...values }, extension ?? '.mp4', shown), path)
    if (reading === undefined) return
    assert.deepEqual(naming.read(path), { part: 1, version: 1, extension: '.mp4', ...reading })
  })
}

test('naming: nothing to name still gives a name', () => {
  assert.equal(new Naming('{path}', 'UTC').format({ ...VALUES, stream: '' }, '.flv'), '_.flv')
})

test('naming: a path of another template has no reading', () => {
  assert.equal(new Naming(DEFAULT, 'UTC').read('live/cam1/holiday.mp4'), undefined)
})

const INVALID = [
  '',
  '/x',
  'a//b',
  '{nope}',
  '{stream',
  'stream}',
  '{}',
  '../{stream}',
  './{stream}',
  '.{stream}',
  '{stream}.',
  '{app}',
  'x/{videoCodec}{audioCodec}',
  'a:b',
  'nul',
  'a\\b',
  '{stream}/',
  '{stream:0}',
  'a\0',
] as const
for (const template of INVALID) {
  test(`naming: refuses the template ${JSON.stringify(template)}`, () => {
    assert.throws(() => new Naming(template, 'UTC'), NameTemplateError)
  })
}

test('naming: no stream name, however hostile, leaves the root or a file system', () => {
  const templates = fc.constantFrom(DEFAULT, '{path}', '{app}-{stream}', '{stream:5}', '{path:7}/{app}/{id}')
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc
      .array(fc.constantFrom('.', '..', '/', ' ', '\0', '~', 'a', '{id}', '\u202e', '\ud800', 'ü', 'CON'), {
        maxLength: 300,
      })
      .map((all) => all.join('')),
  )
  fc.assert(
    fc.property(
      templates,
      hostile,
      fc.integer({ min: 1, max: 99_999 }),
      fc.integer({ min: 1, max: 9_999 }),
      (template, stream, part, version) => {
        const path = new Naming(template, 'UTC').format({ ...VALUES, stream, part, version }, '.flv')
        for (const component of path.split('/')) {
          assert.notEqual(component, '')
          assert.doesNotMatch(component, /^\.|[. ]$|[\\\p{Cc}\p{Cf}]/u)
          assert.ok(Buffer.byteLength(component) <= 255)
        }
        assert.ok(path.isWellFormed() && path.endsWith('.flv'))
      },
    ),
  )
})

test('naming: nothing a caller says, by whatever rules, leaves the root or a file system', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc
      .array(
        fc.constantFrom('.', '..', '/', '\\', ' ', '\0', '\n', 'a', '{', '}}', '\u202e', '\ud800', '😀', 'nul', '%2f'),
        {
          maxLength: 600,
        },
      )
      .map((all) => all.join('')),
  )
  const rules = fc.record({
    path: fc.option(hostile, { nil: undefined }),
    numbering: fc.constantFrom('suffix', 'indexed', 'lastPlain'),
    text: fc.record({
      exclude: fc.string({ unit: 'binary', maxLength: 10 }),
      encoding: fc.constantFrom('none', 'hex', 'base64url'),
    }),
    reserveBytes: fc.constantFrom(0, 13),
  })
  const caller = fc.record({ stream: hostile, sessionId: hostile, mediaSessionId: hostile, login: hostile })
  const templates = fc.constantFrom(
    '{stream}',
    '{login}/{sessionId}',
    '{mediaSessionId:9}{login}',
    '{stream}-{endTime}',
  )
  fc.assert(
    fc.property(templates, rules, caller, fc.boolean(), (template, given, caller, numbered) => {
      const naming = new Naming(template, 'UTC', given as NamingRules)
      const path = naming.format({ ...VALUES, caller, part: 12, version: 345 }, '.flv', { numbered })
      const components = path.split('/')
      assert.ok(components.length <= 61)
      for (const component of components) {
        assert.notEqual(component, '')
        assert.doesNotMatch(component, /^\.|[. ]$|[\\\p{Cc}\p{Cf}]/u)
        assert.ok(Buffer.byteLength(component) <= 255 - (component === components.at(-1) ? given.reserveBytes : 0))
      }
      assert.ok(path.isWellFormed() && path.endsWith('.flv'))
    }),
  )
})

test('naming: a verbatim path stays as it is, hidden folders and odd characters too', () => {
  const path = '2016_06_13/.a <b>: c?_093015/1_093015'
  const name = (rules: { isVerbatim?: boolean }) =>
    new Naming(DEFAULT, 'UTC', { path, ...rules }).format(VALUES, '.tmp')
  assert.equal(name({ isVerbatim: true }), `${path}.tmp`)
  assert.equal(name({}), '2016_06_13/_a _b__ c__093015/1_093015.tmp')
})

test('naming: plain names come back', () => {
  const component = fc
    .stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
    .filter((text) => !/^(con|prn|aux|nul|com\d|lpt\d)$/.test(text))
  const time = fc.integer({ min: 0, max: 4_000_000_000 })
  const zone = fc.constantFrom('UTC', 'Asia/Kathmandu', 'Pacific/Auckland', 'America/New_York')
  fc.assert(
    fc.property(
      fc.array(component, { minLength: 2, maxLength: 4 }),
      time,
      zone,
      fc.integer({ min: 1, max: 9999 }),
      (components, seconds, timeZone, part) => {
        const naming = new Naming(DEFAULT, timeZone)
        const path = naming.format(
          { ...VALUES, stream: components.join('/'), startedAtMs: seconds * 1000, part },
          '.ts',
        )
        const reading = naming.read(path)
        assert.equal(reading?.app, components[0])
        assert.equal(reading?.stream, components.slice(1).join('/'))
        assert.equal(reading?.part, part)
        assert.ok(reading.startedAtMs !== undefined)
        // An hour that autumn repeats reads as its first instance.
        assert.ok([0, 3_600_000].includes(seconds * 1000 - reading.startedAtMs))
      },
    ),
  )
})
