import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Naming } from '#recorder/naming.ts'
import { OptionInvalidError } from './errors.ts'
import { coreTemplate, DEFAULT_FILE_TEMPLATE } from './file-template.ts'

const VALUES = {
  stream: 'live/cam',
  id: 'id',
  startedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 67),
  partStartedAtMs: Date.UTC(2026, 0, 2, 3, 5, 5, 7),
  part: 3,
  version: 1,
  videoCodec: 'h264',
  audioCodec: 'aac',
}
const CASES = [
  { template: DEFAULT_FILE_TEMPLATE, name: 'base_2026-01-02-03.04.05.067-UTC_2.mp4' },
  { template: `\${SourceStreamName}-\${SegmentTime}`, name: 'a_b-2026-01-02-03.05.05.007-UTC.mp4' },
  { template: `x\${segmentnumber}$y{z}`, name: 'x2$y{z}.mp4' },
  { template: `\${BaseFileName}:\${SegmentNumber}`, name: 'base_2.mp4' },
]
for (const { template, name } of CASES) {
  test(`file template ${template}`, () => {
    const core = coreTemplate(template, { baseFile: 'base', stream: 'a/b' })
    assert.equal(new Naming(core, 'UTC').format(VALUES, '.mp4'), name)
  })
}

test('file template: braces of names mean nothing, unknown tags are refused', () => {
  const core = coreTemplate(`\${BaseFileName}_\${SegmentNumber}`, { baseFile: '{id}', stream: 's' })
  assert.equal(new Naming(core, 'UTC').format(VALUES, '.mp4'), '{id}_2.mp4')
  assert.throws(() => coreTemplate(`\${Nothing}`, { baseFile: 'b', stream: 's' }), OptionInvalidError)
})
