import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionInvalidError } from './errors.ts'
import { readPageRequest } from './livestreamrecord-query.ts'

const nothing = {
  format: undefined,
  existing: 'version',
  recordData: undefined,
  startOnKeyFrame: undefined,
  output: undefined,
  rotate: undefined,
}

const QUERIES = [
  {
    name: 'nothing but the action',
    query: 'app=live&streamname=mp4%3Acam&action=startRecording',
    action: 'startRecording',
    options: { ...nothing, outputFolder: undefined },
  },
  {
    name: '2.x, names in other case',
    query: 'APP=live/_definst_&StreamName=cam&Action=STARTRECORDING&append=true&version=true&format=2&output=a/b.mp4',
    action: 'startRecording',
    options: { ...nothing, format: 'mp4', existing: 'append', output: 'a/b.mp4', outputFolder: undefined },
  },
  {
    name: '2.x, overwrite',
    query: 'app=live&streamname=cam&action=startRecording&append=false&version=false&startonkeyframe=true&format=flv',
    action: 'startRecording',
    options: { ...nothing, format: 'flv', existing: 'overwrite', startOnKeyFrame: true, outputFolder: undefined },
  },
  {
    name: '3.5',
    query:
      'app=live&streamname=cam&action=startRecording&option=overwrite&outputPath=x&outputFile=y.flv&segmentDuration=60',
    action: 'startRecording',
    options: { ...nothing, existing: 'overwrite', output: 'x/y.flv', rotate: { seconds: 60 } },
  },
  {
    name: '3.5, segments by size',
    query: 'app=live&streamname=cam&action=startRecordingSegmentBySize&outputPath=x&segmentSize=10',
    action: 'startRecording',
    options: { ...nothing, outputFolder: 'x', rotate: { bytes: 10_485_760 } },
  },
  {
    name: '3.5, segments by schedule',
    query: 'app=live&streamname=cam&action=startRecording&segmentSchedule=0+*+*+*+*+*',
    action: 'startRecording',
    options: { ...nothing, outputFolder: undefined, rotate: { at: '0 * * * * *' } },
  },
  { name: 'split', query: 'app=live&streamname=cam&action=splitRecordingNow', action: 'splitRecordingNow' },
  { name: 'the form', query: '', action: undefined },
]
for (const { name, query, action, options } of QUERIES) {
  test(`livestreamrecord: ${name}`, () => {
    const read = readPageRequest(query)
    assert.equal(read.action, action)
    if (options !== undefined) assert.deepEqual(read.options, options)
  })
}

for (const query of [
  'action=erase',
  'option=sometimes',
  'format=9',
  'append=perhaps',
  'segmentDuration=-1',
  'segmentSize=x',
]) {
  test(`livestreamrecord: ${query} is refused`, () => {
    assert.throws(() => readPageRequest(query), OptionInvalidError)
  })
}
