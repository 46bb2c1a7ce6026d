/**
 * Reads a Java properties file: `key=value`, `key: value` or `key value`, comments after `#` or `!`, a backslash at the
 * end continues a line, `\uXXXX` and `\t` are escapes. Never fails: the vendor's file carries hundreds of keys that are
 * nobody's business here. The last of several equal keys wins.
 */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const { key, value } = splitLine(line)
    properties.set(unescaped(key), unescaped(value))
  }
  return properties
}

/** The text of a file that is ISO-8859-1 by tradition and UTF-8 by the look of it nowadays; a byte order mark is dropped. */
export function decodeProperties(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }
}

/** Lines with what continues them, without comments and blank ones. */
function* logicalLines(text: string): Generator<string> {
  let continued: string | undefined
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    // A comment can't be continued, and what continues a line is never a comment.
    if (continued === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const logical: string = (continued ?? '') + line
    if (endsWithOddBackslashes(line)) {
      continued = logical.slice(0, -1)
    } else {
      continued = undefined
      yield logical
    }
  }
  if (continued !== undefined) yield continued
}

function endsWithOddBackslashes(line: string): boolean {
  return (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1
}

/** The key ends at the first separator that no backslash protects: white space, with or without one `=` or `:` in it. */
function splitLine(line: string): { key: string; value: string } {
  const [, key = '', value = ''] = /^((?:\\.|[^\\ \t\f=:])*)(?:[ \t\f]*[=:]?[ \t\f]*)(.*)$/s.exec(line) ?? []
  return { key, value }
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/** Java refuses a malformed `\u`; here it stays as written, since it may stand in a key that nobody asks for. */
function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (all, code?: string, letter?: string) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    if (letter === 'u') return all
    return ESCAPES[letter ?? ''] ?? letter ?? ''
  })
}
