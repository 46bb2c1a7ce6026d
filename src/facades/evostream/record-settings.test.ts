import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from './command-line.ts'
import { Parameters } from './parameters.ts'
import { type RecordSettings, readRecordSettings, settingsValue, usesDateFolders } from './record-settings.ts'

const DEFAULTS = { waitForIDR: false, winQtCompat: true }
const read = (line: string) =>
  readRecordSettings(new Parameters(parseCommandLine(`record ${line}`)?.parameters ?? new Map()), DEFAULTS)
const GOOD = 'localStreamName=a pathToFile=b'

const WRONG: readonly { line: string; text: string }[] = [
  { line: '', text: 'Syntax error. No parameters provided' },
  { line: 'pathToFile=b', text: 'Syntax error. Parameter localStreamName is invalid' },
  { line: 'LOCALSTREAMNAME= pathToFile=b', text: 'Syntax error. Parameter localStreamName is invalid' },
  { line: 'localStreamName=a', text: 'Syntax error. Parameter pathToFile is invalid' },
  { line: 'localStreamName=a type=avi', text: 'Syntax error. Parameter pathToFile is invalid' },
  { line: 'localStreamName=a pathToFile=b,c', text: 'Syntax error. Parameter pathToFile is invalid' },
  { line: `${GOOD} type=avi`, text: 'Syntax error for type parameter. Type help for details' },
  { line: `${GOOD} type=vmf`, text: 'Syntax error for type parameter. Type help for details' },
  { line: `${GOOD} chunklength=abc`, text: 'Syntax error. Parameter chunkLength is invalid' },
  { line: `${GOOD} chunkLength=010`, text: 'Syntax error. Parameter chunkLength is invalid' },
  { line: `${GOOD} chunkLength=5x`, text: 'Syntax error. Parameter chunkLength is invalid' },
  { line: `${GOOD} chunkLength=-1`, text: 'Syntax error. Parameter chunkLength is invalid' },
  { line: `${GOOD} chunkLength=`, text: 'Syntax error. Parameter chunkLength is invalid' },
  { line: `${GOOD} chunkLength=1000000`, text: 'Syntax error. Parameter chunkLength is invalid. Range: 0 - 999999' },
  { line: `${GOOD} preset=100000 type=avi`, text: 'Syntax error. Parameter preset is invalid. Range: 0 - 99999' },
]
for (const { line, text } of WRONG) {
  test(`refused: record ${line}`, () => assert.throws(() => read(line), { message: text }))
}

const RIGHT: readonly { line: string; settings: Partial<RecordSettings> }[] = [
  {
    line: GOOD,
    settings: { type: 'mp4', overwrite: false, keepAlive: true, waitForIDR: false, winQtCompat: true, hasAudio: true },
  },
  { line: `${GOOD} TYPE=FLV OverWrite=2 keepAlive=0`, settings: { type: 'flv', overwrite: true, keepAlive: false } },
  { line: `${GOOD} overwrite=true keepAlive=false`, settings: { overwrite: true, keepAlive: false } },
  { line: `${GOOD} overwrite=yes`, settings: { overwrite: false } },
  { line: `${GOOD} waitForIDR=0`, settings: { waitForIDR: false, cutsAnywhere: true } },
  { line: `${GOOD} waitForIDR=1`, settings: { waitForIDR: true, cutsAnywhere: false } },
  { line: `${GOOD} preset=1 type=ts`, settings: { type: 'mp4', chunkLength: 1800, waitForIDR: true, preset: 1 } },
  { line: `${GOOD} unknown=1 _Job=7 _list=a,b`, settings: {} },
]
for (const { line, settings } of RIGHT) {
  test(`accepted: record ${line}`, () => {
    const read_ = read(line)
    for (const [name, value] of Object.entries(settings)) assert.deepEqual(read_[name as keyof RecordSettings], value)
  })
}

test("the caller's own variables come back as they were spelled", () => {
  const value = settingsValue(read(`${GOOD} unknown=1 _Job=7 _list=a,b`))
  assert.equal(value['_Job'], '7')
  assert.deepEqual(value['_list'], ['a', 'b'])
  assert.equal(value['unknown'], undefined)
})

test('preset 1 makes dated folders and does not say so', () => {
  const settings = read(`${GOOD} preset=1`)
  assert.equal(usesDateFolders(settings), true)
  assert.equal(settingsValue(settings)['dateFolderStructure'], false)
})

test('the example of the documentation, member for member', () => {
  const settings = read('localStreamName=testpullstream pathtofile=../media/testRecord type=mp4 overwrite=1')
  assert.deepEqual(settingsValue(settings), {
    chunkLength: 0,
    dateFolderStructure: false,
    hasAudio: true,
    keepAlive: true,
    localStreamName: 'testpullstream',
    operationType: 7,
    overwrite: true,
    pathToFile: '../media/testRecord',
    preset: 0,
    type: 'mp4',
    waitForIDR: false,
    winQtCompat: true,
  })
})
