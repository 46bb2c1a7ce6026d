import { type ParameterValue, parseParameters } from './command-line.ts'

/** Text that can be parameters: begins like `name=`. */
const LOOKS_LIKE_PARAMETERS = /^\s*[A-Za-z_][^\s=]*=/

/**
 * Parameters of an HTTP query (without its `?`): the value of the first name by alphabet, in base64, whatever the name
 * is. Both alphabets, with or without padding, escaped or raw, with blanks for `+`, and with rubbish after it. A query
 * that holds no such thing is read as plain parameters. Undefined: there is no query.
 */
export function decodeQuery(query: string): ReadonlyMap<string, ParameterValue> | undefined {
  const members = query
    .split('&')
    .filter((member) => member !== '')
    .map((member): [name: string, value: string] => {
      const at = member.indexOf('=')
      return at < 0 ? [member, ''] : [member.slice(0, at), member.slice(at + 1)]
    })
  if (members.length === 0) return undefined
  const [[, first = ''] = []] = members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const decoded = decodeBase64(percentDecoded(first))
  if (LOOKS_LIKE_PARAMETERS.test(decoded)) return parseParameters(decoded)
  const plain = new Map<string, ParameterValue>()
  for (const [name, value] of members) plain.set(formDecoded(name), formDecoded(value).trim())
  return plain
}

function decodeBase64(text: string): string {
  const [alphabet = ''] = /^[A-Za-z0-9+/_-]*/.exec(text.trim().replaceAll(' ', '+')) ?? []
  return Buffer.from(alphabet.replaceAll('-', '+').replaceAll('_', '/'), 'base64').toString('utf8')
}

/** Leaves `+` alone: it is a letter of the alphabet. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function formDecoded(text: string): string {
  return percentDecoded(text.replaceAll('+', ' '))
}
