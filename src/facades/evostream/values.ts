/** A number that EvoStream types as a double: always written with four decimals. */
export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** What answers and events are made of. Numbers are integers; bigint where they exceed 2^53. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Double
  | readonly Value[]
  | { readonly [name: string]: Value }

/** Members by name, as the vendor's own maps are ordered: by bytes, upper case first. */
export function sortedEntries(map: { readonly [name: string]: Value }): [name: string, value: Value][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** A scalar as text, the same in every format. Null is empty. */
export function scalarText(value: null | boolean | number | bigint | string | Double): string {
  if (value === null) return ''
  if (value instanceof Double) return value.value.toFixed(4)
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toFixed(4)
  return String(value)
}

/** Whether a value has no parts. */
export function isScalar(value: Value): value is null | boolean | number | bigint | string | Double {
  return value === null || typeof value !== 'object' || value instanceof Double
}

/** Whether a value is a list. Array.isArray() does not narrow readonly arrays. */
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

/** JSON in the vendor's style: members sorted by name, no white space, `/` as `\/`, doubles with four decimals. */
export function formatJson(value: Value): string {
  if (typeof value === 'string') return formatText(value)
  if (value === null) return 'null'
  if (isScalar(value)) return scalarText(value)
  if (isList(value)) return `[${value.map(formatJson).join(',')}]`
  return `{${sortedEntries(value)
    .map(([name, member]) => `${formatText(name)}:${formatJson(member)}`)
    .join(',')}}`
}

function formatText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll('/', '\\/')
}
