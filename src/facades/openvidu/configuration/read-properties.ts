import { readFile } from 'node:fs/promises'
import { TapedeckError } from '#base/error.ts'

/** The vendor's configuration file can't be read. */
export class OpenViduPropertiesFileError extends TapedeckError {
  readonly code = 'openvidu/properties-unreadable'
  readonly origin = 'operator'
  readonly file: string
  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`can't read ${file} (${reason}): check facades.openvidu.properties`, { cause })
    this.file = file
  }
}

/** A line each, `name=value` or `name: value`; comments after `#`, values in quotes as .env files have them. */
export function parsePropertyLines(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const [, name, value = ''] = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    if (name !== undefined) properties.set(name, /^(["'])(.*)\1$/.exec(value)?.[2] ?? value)
  }
  return properties
}

/** @param file empty: none @throws {OpenViduPropertiesFileError} */
export async function readPropertyFile(file: string): Promise<ReadonlyMap<string, string>> {
  if (file === '') return new Map()
  try {
    return parsePropertyLines(await readFile(file, 'utf8'))
  } catch (error) {
    throw new OpenViduPropertiesFileError(file, error)
  }
}
