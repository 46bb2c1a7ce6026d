/** The value of a parameter: text, or several texts where it has unescaped commas. */
export type ParameterValue = string | readonly string[]

/** One command as it was sent: names as spelled there, the last of several equal ones. */
export interface CommandLine {
  readonly name: string
  readonly parameters: ReadonlyMap<string, ParameterValue>
}

/** Longest line; a longer one ends the connection. */
export const MAX_COMMAND_BYTES = 16 * 1024

/**
 * Reads `command key=value key=value`. In values `\ `, `\=`, `\,` and `\\` stand for the character after the
 * backslash, any other backslash for itself. Unescaped commas make a list, without its empty items. Undefined for an
 * empty line.
 */
export function parseCommandLine(line: string): CommandLine | undefined {
  const [first, ...rest] = words(line)
  if (first === undefined) return undefined
  return { name: unescaped(first), parameters: parametersOf(rest) }
}

/** Reads `key=value key=value`, with the same escapes. */
export function parseParameters(text: string): ReadonlyMap<string, ParameterValue> {
  return parametersOf(words(text))
}

function parametersOf(texts: readonly string[]): ReadonlyMap<string, ParameterValue> {
  const parameters = new Map<string, ParameterValue>()
  for (const word of texts) {
    const [key = '', value = ''] = splitOnce(word, '=')
    // A word without "=" is a parameter without a value, which whoever needs it finds invalid.
    parameters.set(unescaped(key).trim(), parameterValue(value))
  }
  return parameters
}

function parameterValue(text: string): ParameterValue {
  const items = split(text, (character) => character === ',')
  if (items.length === 1) return unescaped(text).trim()
  return items.map((item) => unescaped(item).trim()).filter((item) => item !== '')
}

function words(line: string): string[] {
  return split(line, (character) => /[ \t\r\n]/.test(character)).filter((word) => word !== '')
}

function splitOnce(text: string, separator: string): string[] {
  const [first = '', ...rest] = split(text, (character) => character === separator)
  return rest.length === 0 ? [first] : [first, text.slice(first.length + 1)]
}

/** Parts between separators that no backslash protects; escapes stay in them. */
function split(text: string, isSeparator: (character: string) => boolean): string[] {
  const parts: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? ''
    if (character === '\\') i++
    else if (isSeparator(character)) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

function unescaped(text: string): string {
  return text.replace(/\\([ =,\\])/g, '$1')
}
