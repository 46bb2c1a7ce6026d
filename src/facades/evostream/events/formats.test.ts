import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Double } from '../values.ts'
import type { EvoEvent } from './event.ts'
import { fileEntry, fileHeader, serializeEvent } from './formats.ts'

const CLOSED: EvoEvent = {
  id: 7,
  type: 'recordChunkClosed',
  timestamp: 1_454_234_400,
  processId: 99,
  payload: { file: '../media/a&b <1>.mp4', frameCount: 250, _job: 'ü\t"7"', upTime: new Double(1.5), list: ['x'] },
}
const CREATED: EvoEvent = {
  ...CLOSED,
  id: 8,
  type: 'inStreamCreated',
  payload: { name: 'cam', appName: 'evostreamms', audio: { bytesCount: 5, codec: 'AAAC' }, typeNumeric: 2n ** 62n },
}

test('JSON', () => {
  const { body, contentType } = serializeEvent(CLOSED, 'JSON')
  assert.equal(contentType, 'application/json')
  assert.equal(
    body,
    String.raw`{"id":7,"payload":{"_job":"ü\t\"7\"","file":"..\/media\/a&b <1>.mp4","frameCount":250,"list":["x"],"upTime":1.5000},"processId":99,"timestamp":1454234400,"type":"recordChunkClosed"}`,
  )
})

test('XML: elements by type, with their names', () => {
  assert.equal(
    serializeEvent(CLOSED, 'XML').body,
    [
      '<?xml version="1.0" ?><TYPED_MAP typeName="recordChunkClosed" isArray="false" name="">',
      '<UINT32 name="id">7</UINT32><MAP isArray="false" name="payload">',
      '<STR name="_job">ü\t&quot;7&quot;</STR><STR name="file">../media/a&amp;b &lt;1&gt;.mp4</STR>',
      '<UINT32 name="frameCount">250</UINT32><MAP isArray="true" name="list"><STR name="0">x</STR></MAP>',
      '<DOUBLE name="upTime">1.5000</DOUBLE></MAP><UINT32 name="processId">99</UINT32>',
      '<UINT32 name="timestamp">1454234400</UINT32><STR name="type">recordChunkClosed</STR></TYPED_MAP>',
    ].join(''),
  )
  assert.match(serializeEvent(CREATED, 'XML').body, /<UINT64 name="typeNumeric">4611686018427387904<\/UINT64>/)
})

test('XML-RPC: a call named by the event', () => {
  const { body, contentType } = serializeEvent(CLOSED, 'XMLRPC')
  assert.equal(contentType, 'application/xml')
  const member = (name: string, value: string) => `<member><name>${name}</name><value>${value}</value></member>`
  const payload = [
    member('_job', '<string>ü\t&quot;7&quot;</string>'),
    member('file', '<string>../media/a&amp;b &lt;1&gt;.mp4</string>'),
    member('frameCount', '<int>250</int>'),
    member('list', '<array><data><value><string>x</string></value></data></array>'),
    member('upTime', '<double>1.5000</double>'),
  ].join('')
  const event = [
    member('id', '<int>7</int>'),
    member('payload', `<struct>${payload}</struct>`),
    member('processId', '<int>99</int>'),
    member('timestamp', '<int>1454234400</int>'),
    member('type', '<string>recordChunkClosed</string>'),
  ].join('')
  const call = `<methodName>recordChunkClosed</methodName><params><param><value><struct>${event}</struct></value></param></params>`
  assert.equal(body, `<?xml version="1.0"?><methodCall>${call}</methodCall>`)
})

test('characters that XML can not hold', () => {
  const event = { ...CLOSED, payload: { name: 'a\0b\u{1f}c\ud800' } }
  assert.match(serializeEvent(event, 'XML').body, />a_b_c\ufffd</)
})

test('file: text', () => {
  assert.equal(
    fileEntry(CREATED, 'text'),
    [
      '00008\tinStreamCreated\t2016-01-31T10:00:00.000',
      '\tappName: evostreamms',
      '\taudio:',
      '\t\tbytesCount: 5',
      '\t\tcodec: AAAC',
      '\tname: cam',
      '\ttypeNumeric: 4611686018427387904',
      '',
      '',
    ].join('\n'),
  )
})

test('file: json and xml, a line each', () => {
  const json = fileEntry(CLOSED, 'json')
  assert.match(json, /^\{.*\},\n$/)
  const text = { ...CLOSED, payload: { name: 'two\nlines' } }
  for (const format of ['json', 'xml'] as const) assert.equal(fileEntry(text, format).split('\n').length, 2)
})

test('file: w3c, columns as its header names them', () => {
  const header = fileHeader('w3c', Date.UTC(2016, 0, 31, 10), '1.2.3')
  const fields = /^#Fields: (.*)$/m.exec(header)?.[1]?.split('\t') ?? []
  const rows = [CREATED, CLOSED].map((event) => {
    const columns = fileEntry(event, 'w3c').trimEnd().split('\t')
    assert.equal(columns.length, fields.length)
    return Object.fromEntries(fields.map((field, index) => [field, columns[index]]))
  })
  assert.partialDeepStrictEqual(rows[0], {
    timestamp: '2016-01-31 10:00:00',
    processId: '99',
    INFO: 'inStreamCreated',
    name: 'cam',
    applicationName: 'evostreamms',
    'audio-bytes': '5',
    'audio-codec': 'AAAC',
    'video-bytes': '-',
  })
  assert.partialDeepStrictEqual(rows[1], { INFO: 'recordChunkClosed', file: '../media/a&b <1>.mp4', frameCount: '250' })
})
