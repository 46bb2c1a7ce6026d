import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ParameterValue, parseCommandLine } from './command-line.ts'

const CASES: readonly { line: string; name: string; parameters: Record<string, ParameterValue> }[] = [
  { line: 'version', name: 'version', parameters: {} },
  {
    line: '  record localStreamName=a  pathToFile=../media/x type=mp4 ',
    name: 'record',
    parameters: { localStreamName: 'a', pathToFile: '../media/x', type: 'mp4' },
  },
  { line: 'record pathToFile=my\\ file', name: 'record', parameters: { pathToFile: 'my file' } },
  { line: 'record pathToFile=C:\\media\\x', name: 'record', parameters: { pathToFile: 'C:\\media\\x' } },
  { line: 'record a=x\\=y b=x\\,y c=x\\\\y', name: 'record', parameters: { a: 'x=y', b: 'x,y', c: 'x\\y' } },
  { line: 'record a=x=y', name: 'record', parameters: { a: 'x=y' } },
  { line: 'x names=a,b,,c, one=a,', name: 'x', parameters: { names: ['a', 'b', 'c'], one: ['a'] } },
  { line: 'record keepAlive a=1 a=2', name: 'record', parameters: { keepAlive: '', a: '2' } },
  { line: 'record a=x\\', name: 'record', parameters: { a: 'x\\' } },
  { line: 'record a=b\\ ', name: 'record', parameters: { a: 'b' } },
]

for (const { line, name, parameters } of CASES) {
  test(`command line: ${line}`, () => {
    const parsed = parseCommandLine(line)
    assert.equal(parsed?.name, name)
    assert.deepEqual(Object.fromEntries(parsed?.parameters ?? []), parameters)
  })
}

test('an empty line is no command', () => {
  for (const line of ['', '   ', '\t']) assert.equal(parseCommandLine(line), undefined)
})

test('every text survives being escaped', () => {
  const escaped = (text: string) => text.replace(/[ =,\\]/g, '\\$&')
  const text = fc.string({ minLength: 1 }).filter((each) => each.trim() === each && !/[\t\r\n]/.test(each))
  fc.assert(
    fc.property(text, text, (key, value) => {
      const parsed = parseCommandLine(`record ${escaped(key)}=${escaped(value)}`)
      assert.deepEqual([...(parsed?.parameters ?? [])], [[key, value]])
    }),
  )
})

test('no line is too strange', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (line) => void parseCommandLine(line)))
})
