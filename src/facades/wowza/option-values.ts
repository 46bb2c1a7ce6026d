import type { ExistingFile } from './declaration.ts'
import { OptionInvalidError } from './errors.ts'
import type { FileFormat } from './media-name.ts'

/** Values of options as clients send them: AMF or JSON values, or text of a query. */

/** `mp4`, `flv`, or 1 for FLV and 2 for MP4; 0 and nothing: undefined. @throws {OptionInvalidError} */
export function fileFormat(value: unknown, option = 'format'): FileFormat | undefined {
  switch (
    String(value ?? '')
      .trim()
      .toLowerCase()
  ) {
    case '':
    case '0':
    case 'unknown':
      return undefined
    case '1':
    case 'flv':
      return 'flv'
    case '2':
    case 'mp4':
    case 'f4v':
      return 'mp4'
    default:
      throw new OptionInvalidError(option, value, 'mp4, flv, 1 (FLV) or 2 (MP4)')
  }
}

/** Undefined when nothing was said. @throws {OptionInvalidError} */
export function truth(value: unknown, option: string): boolean | undefined {
  switch (
    String(value ?? '')
      .trim()
      .toLowerCase()
  ) {
    case '':
      return undefined
    case 'true':
    case '1':
    case 'yes':
    case 'on':
      return true
    case 'false':
    case '0':
    case 'no':
    case 'off':
      return false
    default:
      throw new OptionInvalidError(option, value, 'true or false')
  }
}

/** A positive number; undefined when nothing, or 0, was said. @throws {OptionInvalidError} */
export function amount(value: unknown, option: string): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'number' ? value : typeof value === 'string' ? Number(value) : Number.NaN
  if (!Number.isFinite(number) || number < 0) throw new OptionInvalidError(option, value, 'a number, 0 for none')
  return number === 0 ? undefined : number
}

/** Text; undefined when nothing was said. @throws {OptionInvalidError} */
export function words(value: unknown, option: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new OptionInvalidError(option, value, 'text')
  return value
}

/** Of the two flags: appending wins, and keeping the old file is the default. */
export function existingFile(append: boolean | undefined, version: boolean | undefined): ExistingFile {
  if (append === true) return 'append'
  return version === false ? 'overwrite' : 'version'
}
