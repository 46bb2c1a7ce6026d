import { Double, formatJson, isList, isScalar, scalarText, sortedEntries, type Value } from '../values.ts'
import { type EvoEvent, eventTime, eventValue } from './event.ts'

/** Serializers of HTTP sinks. */
export type SerializerType = 'JSON' | 'XML' | 'XMLRPC'

/** The body of one event, and its media type. */
export function serializeEvent(event: EvoEvent, serializer: SerializerType): { body: string; contentType: string } {
  switch (serializer) {
    case 'JSON':
      return { body: formatJson(eventValue(event)), contentType: 'application/json' }
    case 'XML':
      return { body: `<?xml version="1.0" ?>${xmlEvent(event)}`, contentType: 'application/xml' }
    case 'XMLRPC':
      return { body: xmlRpcCall(event), contentType: 'application/xml' }
  }
}

/** The vendor's own XML: elements named by type, with the member's name as attribute. */
export function xmlEvent(event: EvoEvent): string {
  const type = escapeXml(event.type)
  return `<TYPED_MAP typeName="${type}" isArray="false" name="">${members(eventValue(event))}</TYPED_MAP>`
}

function members(value: Value): string {
  if (isList(value)) return value.map((item, index) => xmlElement(String(index), item)).join('')
  if (isScalar(value)) return ''
  return sortedEntries(value)
    .map(([name, member]) => xmlElement(name, member))
    .join('')
}

function xmlElement(name: string, value: Value): string {
  const attribute = ` name="${escapeXml(name)}"`
  if (value === null) return `<NULL${attribute} />`
  if (!isScalar(value)) return `<MAP isArray="${isList(value)}"${attribute}>${members(value)}</MAP>`
  const type = xmlType(value)
  return `<${type}${attribute}>${escapeXml(scalarText(value))}</${type}>`
}

function xmlType(value: boolean | number | bigint | string | Double): string {
  if (typeof value === 'string') return 'STR'
  if (typeof value === 'boolean') return 'BOOL'
  if (typeof value === 'bigint') return 'UINT64'
  if (value instanceof Double || !Number.isInteger(value)) return 'DOUBLE'
  return value > 0xffff_ffff ? 'UINT64' : value < 0 ? 'INT64' : 'UINT32'
}

/** An XML-RPC call of a method named by the event, with the envelope as its one parameter. */
function xmlRpcCall(event: EvoEvent): string {
  const parameter = `<param>${xmlRpcValue(eventValue(event))}</param>`
  return `<?xml version="1.0"?><methodCall><methodName>${escapeXml(event.type)}</methodName><params>${parameter}</params></methodCall>`
}

function xmlRpcValue(value: Value): string {
  return `<value>${xmlRpcContent(value)}</value>`
}

function xmlRpcContent(value: Value): string {
  if (value === null) return '<nil/>'
  if (isList(value)) return `<array><data>${value.map(xmlRpcValue).join('')}</data></array>`
  if (!isScalar(value)) {
    const struct = sortedEntries(value).map(
      ([name, member]) => `<member><name>${escapeXml(name)}</name>${xmlRpcValue(member)}</member>`,
    )
    return `<struct>${struct.join('')}</struct>`
  }
  if (typeof value === 'boolean') return `<boolean>${value ? 1 : 0}</boolean>`
  if (value instanceof Double) return `<double>${scalarText(value)}</double>`
  // <int> has 32 bits.
  if (typeof value === 'number' && Math.abs(value) <= 0x7fff_ffff) return `<int>${value}</int>`
  return `<string>${escapeXml(scalarText(value))}</string>`
}

function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write them
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '_')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  )
}

/** Formats of file sinks. */
export type FileFormat = 'text' | 'xml' | 'json' | 'w3c'

/** What a new file begins with. */
export function fileHeader(format: FileFormat, startedAtMs: number, version: string): string {
  if (format === 'xml') return '<?xml version="1.0" ?>\n'
  if (format !== 'w3c') return ''
  const date = eventTime(startedAtMs).slice(0, 19).replace('T', ' ')
  return `#Version: 1.0\n#Start-Date: ${date} UTC\n#Software: Tapedeck ${version}\n#Fields: ${W3C_FIELDS.join('\t')}\n`
}

/** One event in a file, with the line end. */
export function fileEntry(event: EvoEvent, format: FileFormat): string {
  switch (format) {
    case 'json':
      return `${formatJson(eventValue(event))},\n`
    case 'xml':
      return `${xmlEvent(event).replaceAll('\n', '&#10;')}\n`
    case 'w3c':
      return `${w3cColumns(event).join('\t')}\n`
    case 'text': {
      const head = [String(event.id).padStart(5, '0'), event.type, eventTime(event.timestamp * 1000)]
      return `${head.join('\t')}\n${textLines(event.payload, 1)}\n`
    }
  }
}

function textLines(value: Value, level: number): string {
  const entries: [name: string, value: Value][] = isList(value)
    ? value.map((item, index) => [String(index), item])
    : isScalar(value)
      ? []
      : sortedEntries(value)
  return entries
    .filter(([, member]) => member !== null)
    .map(([name, member]) => {
      const start = `${'\t'.repeat(level)}${oneLine(name)}:`
      return isScalar(member)
        ? `${start} ${oneLine(scalarText(member))}\n`
        : `${start}\n${textLines(member, level + 1)}`
    })
    .join('')
}

const TRACK_FIELDS = ['bytes', 'codec', 'codecNumeric', 'droppedBytes', 'droppedPackets', 'packets']
const PULL_FIELDS = ['configId', 'forceTcp', 'keepAlive', 'localStreamName', 'operationType', 'uri']
const RECORD_FIELDS = [
  ...['chunkLength', 'computedPathToFile', 'configId', 'keepAlive', 'localStreamName', 'mp4BinPath', 'operationType'],
  ...['overwrite', 'pathToFile', 'type', 'waitForIDR', 'winQtCompat'],
]

/** The vendor's columns by name, then those of recorded files, which it has not. */
const W3C_FIELDS = [
  ...['timestamp', 'processId', 'INFO', 'name', 'applicationName', 'creationTimestamp', 'type', 'typeNumeric'],
  ...['uniqueId', 'upTime', 'queryTimestamp', 'bandwidth', 'connectionType', 'farIp', 'farPort', 'IP', 'nearIP'],
  ...['nearPort', 'port', 'swf-url'],
  ...TRACK_FIELDS.map((field) => `audio-${field}`),
  ...TRACK_FIELDS.map((field) => `video-${field}`),
  ...PULL_FIELDS.map((field) => `pullSettings-${field}`),
  ...RECORD_FIELDS.map((field) => `recordSettings-${field}`),
  ...['file', 'startTime', 'stopTime', 'frameCount', 'error'],
]

/** Where the payload has what a column is called otherwise. */
const W3C_SOURCES: Readonly<Record<string, string>> = {
  applicationName: 'appName',
  IP: 'ip',
  nearIP: 'nearIp',
  'swf-url': 'swfUrl',
  ...Object.fromEntries(
    ['audio', 'video'].flatMap((kind) =>
      ['bytes', 'droppedBytes', 'droppedPackets', 'packets'].map((field) => [
        `${kind}-${field}`,
        `${kind}-${field}Count`,
      ]),
    ),
  ),
}

function w3cColumns(event: EvoEvent): string[] {
  const facts = new Map<string, string>()
  for (const [name, value] of sortedEntries(event.payload)) {
    if (isScalar(value)) facts.set(name, scalarText(value))
    else if (!isList(value)) {
      for (const [inner, member] of sortedEntries(value)) {
        if (isScalar(member)) facts.set(`${name}-${inner}`, scalarText(member))
      }
    }
  }
  facts.set(
    'timestamp',
    eventTime(event.timestamp * 1000)
      .slice(0, 19)
      .replace('T', ' '),
  )
  facts.set('processId', String(event.processId))
  facts.set('INFO', event.type)
  return W3C_FIELDS.map((field) => oneLine(facts.get(W3C_SOURCES[field] ?? field) || '-'))
}

/** Tabs and line ends are what columns and entries are told apart by. */
function oneLine(text: string): string {
  return text.replace(/[\t\r\n]/g, ' ')
}
