import { formatJson, isList, isScalar, scalarText, sortedEntries, type Value } from './values.ts'

/** What a command gives back, whatever door it came through. */
export interface Answer {
  readonly status: 'SUCCESS' | 'FAIL'
  readonly description: string
  readonly data: Value
  /** The `commandId` of the command. */
  readonly responseId?: string
  /** The connection ends after it. */
  readonly closes?: boolean
}

/** What commands themselves give: the rest is the same for all. */
export interface Outcome {
  readonly description: string
  readonly data: Value
  readonly closes?: boolean
}

/** The envelope as one value, for JSON and for the event of the response. */
export function answerValue({ status, description, data, responseId }: Answer): { readonly [name: string]: Value } {
  return { data, description, status, ...(responseId !== undefined && { responseId }) }
}

/** The body of an HTTP answer, and what follows the length of an answer on the JSON command line. */
export function formatJsonAnswer(answer: Answer): string {
  return `${formatJson(answerValue(answer))}\r\n\r\n`
}

/** An answer on the JSON command line: with the length of what follows in front, four bytes, big endian. */
export function frameJsonAnswer(answer: Answer, lengthPrefix: boolean): Buffer {
  const body = Buffer.from(formatJsonAnswer(answer))
  if (!lengthPrefix) return body
  const framed = Buffer.allocUnsafe(4 + body.length)
  framed.writeUInt32BE(body.length)
  body.copy(framed, 4)
  return framed
}

/** Line ends of the ASCII command line, in the vendor's order. */
const END = '\n\r'

/** An answer for people: the description and the data as indented `name: value` lines. */
export function formatAsciiAnswer({ status, description, data }: Answer): string {
  if (status === 'FAIL') return `Command failed!${END}${description}${END}${END}`
  return `Command entered successfully!${END}${description}${END}${indented(data, 2)}${END}\n`
}

function indented(value: Value, level: number): string {
  if (isScalar(value)) return scalarText(value) + END
  const indent = '  '.repeat(level)
  if (isList(value)) {
    if (value.length === 0) return `[]${END}`
    return END + value.map((item) => `${indent}-- ${indented(item, level + 1)}`).join('')
  }
  return (
    END +
    sortedEntries(value)
      .map(([name, member]) => `${indent}${name}: ${indented(member, level + 1)}`)
      .join('')
  )
}
