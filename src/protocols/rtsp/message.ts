import { RtspMessageError } from './errors.ts'
import { RtspHeaders } from './headers.ts'

/** Somebody asks for something. RFC 2326 §6. */
export interface RtspRequest {
  readonly kind: 'request'
  /** Upper case. */
  readonly method: string
  /** As sent: absolute mostly, `*` for OPTIONS. */
  readonly uri: string
  readonly headers: RtspHeaders
  readonly body: Uint8Array
}

/** What is answered. RFC 2326 §7. Answers of an HTTP tunnel have the same form. */
export interface RtspResponse {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
  readonly headers: RtspHeaders
  readonly body: Uint8Array
}

/** A request or a response. */
export type RtspMessage = RtspRequest | RtspResponse

/** Reason phrases of RFC 2326 §7.1.1, and of HTTP where that has none. */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  415: 'Unsupported Media Type',
  451: 'Parameter Not Understood',
  453: 'Not Enough Bandwidth',
  454: 'Session Not Found',
  455: 'Method Not Valid In This State',
  459: 'Aggregate Operation Not Allowed',
  461: 'Unsupported Transport',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'RTSP Version Not Supported',
  551: 'Option Not Supported',
}

/** Longest reason phrase sent; some clients have a fixed buffer for the status line. */
const MAX_REASON_CHARACTERS = 160

/** Number of the message's sequence; undefined when it is missing or no number. RFC 2326 §12.17. */
export function sequenceOf(message: RtspMessage): number | undefined {
  const text = message.headers.get('CSeq')?.trim()
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

/** Names of fields and their values; later ones win nothing: a name may repeat. */
export type HeaderFields = Iterable<readonly [name: string, value: string | number]>

/** A request as bytes; the length of a body is added. */
export function writeRequest(method: string, uri: string, fields: HeaderFields, body?: Uint8Array): Uint8Array {
  return written(`${oneLine(method)} ${oneLine(uri).replaceAll(' ', '%20')} RTSP/1.0`, fields, body)
}

/** A response as bytes. `reason`: what people see; by default what the status is called. */
export function writeResponse(status: number, fields: HeaderFields, body?: Uint8Array, reason?: string): Uint8Array {
  const phrase = oneLine(reason ?? REASONS[status] ?? 'Unknown').slice(0, MAX_REASON_CHARACTERS)
  return written(`RTSP/1.0 ${status} ${phrase}`, fields, body)
}

function written(startLine: string, fields: HeaderFields, body: Uint8Array | undefined): Uint8Array {
  let head = `${startLine}\r\n`
  for (const [name, value] of fields) head += `${name}: ${oneLine(String(value))}\r\n`
  if (body !== undefined && body.length > 0) head += `Content-Length: ${body.length}\r\n`
  return Buffer.concat([Buffer.from(`${head}\r\n`), body ?? new Uint8Array(0)])
}

/** Nothing that is written into a line ends it. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ')
}

/** The head of a message, line by line; its body is empty. @throws {RtspMessageError} */
export function parseHead(lines: readonly string[]): RtspMessage {
  const [startLine = '', ...rest] = lines
  const headers = parseFields(rest)
  const body = new Uint8Array(0)
  const response = /^(?:RTSP|HTTP)\/\d+\.\d+ +(\d{3})(?: +(.*))?$/i.exec(startLine.trim())
  if (response !== null) {
    return { kind: 'response', status: Number(response[1]), reason: (response[2] ?? '').trim(), headers, body }
  }
  const [, method = '', target = ''] = /^([A-Za-z_]{2,32}) (.+)$/.exec(startLine.trim()) ?? []
  // Spaces within the address are wrong, and some cameras' names have them.
  const versionAt = target.lastIndexOf(' ')
  const uri = target.slice(0, Math.max(0, versionAt)).trim()
  if (uri === '' || !/^RTSP\/1\.\d$/i.test(target.slice(versionAt + 1))) {
    throw new RtspMessageError(`a line that is no request: ${JSON.stringify(startLine.slice(0, 80))}`)
  }
  return { kind: 'request', method: method.toUpperCase(), uri, headers, body }
}

function parseFields(lines: readonly string[]): RtspHeaders {
  const headers = new RtspHeaders()
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      headers.continueLast(line.trim())
      continue
    }
    const colon = line.indexOf(':')
    // A line without a colon is nothing; what surrounds it is still good.
    if (colon > 0) headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
  return headers
}
