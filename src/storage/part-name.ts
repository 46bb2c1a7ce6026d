/**
 * What may follow a part's base name, in this order: `<base>[_v<version>][_part<number>].<extension>`, and the hidden
 * name of a file that is to replace another. One place for both directions, shared by naming and by file creation.
 */
export interface PartName {
  /** Folders (with a trailing slash) and the rendered template. */
  readonly base: string
  /** 1 has no suffix: the name was free. */
  readonly version: number
  /** 1 has no suffix. */
  readonly part: number
  /** With its dot; may be empty. */
  readonly extension: string
}

/**
 * Bytes a file name keeps free, so that version, part and `replacing` fit whatever the template rendered: the longest is
 * `.` + `_v999999` + `_part999999` + `.replacing99` + `.flv`.
 */
export const PART_NAME_RESERVE_BYTES = 40

const PART_NAME =
  /^(?<base>.*?[^/])(?:_v(?<version>[2-9]|[1-9]\d{1,5}))?(?:_part(?<part>\d{4,6}))?(?<extension>\.[a-z0-9]+)?$/s

/** The path these make, the inverse of parsePartName(). */
export function formatPartName(name: PartName): string {
  const version = name.version > 1 ? `_v${name.version}` : ''
  const part = name.part > 1 ? `_part${String(name.part).padStart(4, '0')}` : ''
  return `${name.base}${version}${part}${name.extension}`
}

/** Every path has a reading: a name without suffixes is version 1, part 1. */
export function parsePartName(path: string): PartName {
  const groups = PART_NAME.exec(path)?.groups
  if (groups === undefined) return { base: path, version: 1, part: 1, extension: '' }
  const { base = path, version = '1', part = '1', extension = '' } = groups
  return { base, version: Number(version), part: Number(part), extension }
}

const REPLACING = /^\.(?<stem>.+)\.replacing\d+(?<extension>\.[a-z0-9]+)?$/s

/** File name (no folders) of the file that will replace `fileName`. Hidden, and with its extension kept for players. */
export function replacingName(fileName: string, attempt: number): string {
  const { extension } = parsePartName(fileName)
  const stem = fileName.slice(0, fileName.length - extension.length)
  return `.${stem}.replacing${attempt}${extension}`
}

/** The name a `replacing` file is meant for; undefined for any other file name. */
export function replacedName(fileName: string): string | undefined {
  const groups = REPLACING.exec(fileName)?.groups
  if (groups === undefined) return undefined
  const { stem = '', extension = '' } = groups
  return stem + extension
}
