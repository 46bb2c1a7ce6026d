/**
 * What may follow a part's base name, by scheme, and the hidden name of a file that is to replace another. One place for
 * both directions, shared by naming and by file creation.
 *
 *     scheme      a later part           the name was taken     both
 *     suffix      x_part0002.mp4         x_v2.mp4               x_v2_part0002.mp4
 *     indexed     x_part0001.mp4         x_0001.mp4             x_0001_part0001.mp4
 *     lastPlain   x_2.mp4                x_2.mp4                x_2_2.mp4
 */
export type PartNumbering = 'suffix' | 'indexed' | 'lastPlain'

/** A part's path, taken apart. */
export interface PartName {
  /** Folders (with a trailing slash) and the rendered template. */
  readonly base: string
  /** 1 has no suffix: the name was free. */
  readonly version: number
  /** From 1, 0 for a name without a part number. With `suffix` the first part has none, so 0 and 1 are the same. */
  readonly part: number
  /** With its dot; may be empty. */
  readonly extension: string
}

/** Highest version of `indexed`: `_8192`. */
export const MAX_INDEXED_VERSION = 8193

/** Longest file or folder name of Linux, macOS and Windows file systems, in bytes. */
export const MAX_COMPONENT_BYTES = 255

/** What `replacingName` adds to a file name at most: a dot and `.replacing99`. */
export const REPLACING_RESERVE_BYTES = 13

const EXTENSION = '(?<extension>\\.[A-Za-z0-9]+)?$'

const PATTERNS: Readonly<Record<PartNumbering, RegExp>> = {
  suffix: new RegExp(
    `^(?<base>.*?[^/])(?:_v(?<version>[2-9]|[1-9]\\d{1,5}))?(?:_part(?<part>\\d{4,6}))?${EXTENSION}`,
    's',
  ),
  indexed: new RegExp(`^(?<base>.*?[^/])(?:_(?<version>\\d{4}))?(?:_part(?<part>\\d{4,6}))?${EXTENSION}`, 's'),
  lastPlain: new RegExp(
    `^(?<base>.*?[^/])(?:_(?<version>[2-9]|[1-9]\\d{1,5}))??(?:_(?<part>[1-9]\\d{0,5}))?${EXTENSION}`,
    's',
  ),
}

/** What `_0001` and `_part0000` are counted from: `indexed` shows one less than our numbers. */
const SHOWN_OFFSET: Readonly<Record<PartNumbering, number>> = { suffix: 0, indexed: 1, lastPlain: 0 }

/** What follows the base: version and part number, without the extension. */
export function partSuffix({ version, part }: Pick<PartName, 'version' | 'part'>, numbering: PartNumbering): string {
  const padded = (number: number) => String(number).padStart(4, '0')
  switch (numbering) {
    case 'suffix':
      return `${version > 1 ? `_v${version}` : ''}${part > 1 ? `_part${padded(part)}` : ''}`
    case 'indexed':
      return `${version > 1 ? `_${padded(version - 1)}` : ''}${part > 0 ? `_part${padded(part - 1)}` : ''}`
    case 'lastPlain':
      return `${version > 1 ? `_${version}` : ''}${part > 0 ? `_${part}` : ''}`
  }
}

/**
 * The path these make, the inverse of parsePartName(). A file name that would be too long loses characters at the end of
 * its base: version, part number and extension stay whole. @param reserveBytes kept free besides
 */
export function formatPartName(name: PartName, numbering: PartNumbering = 'suffix', reserveBytes = 0): string {
  const suffix = partSuffix(name, numbering) + name.extension
  const slash = name.base.lastIndexOf('/') + 1
  const room = MAX_COMPONENT_BYTES - reserveBytes - byteLength(suffix)
  const folder = name.base.slice(0, slash)
  const base = name.base.slice(slash)
  if (byteLength(base) <= room) return name.base + suffix
  // Trimming may uncover a dot or a space, which Windows would drop.
  return folder + trimToBytes(base, room).replace(/[.\s]$/u, '_') + suffix
}

/**
 * Every path has a reading: a name without suffixes is version 1. Of `lastPlain` a single number may be a part's or a
 * version's, nobody can tell: it reads as the part's.
 */
export function parsePartName(path: string, numbering: PartNumbering = 'suffix'): PartName {
  const offset = SHOWN_OFFSET[numbering]
  const unnumbered = numbering === 'suffix' ? 1 : 0
  const groups = PATTERNS[numbering].exec(path)?.groups
  if (groups === undefined) return { base: path, version: 1, part: unnumbered, extension: '' }
  const { base = path, version, part, extension = '' } = groups
  return {
    base,
    version: version === undefined ? 1 : Number(version) + offset,
    part: part === undefined ? unnumbered : Number(part) + offset,
    extension,
  }
}

/** `x.mp4` as `x_3.mp4`: the name, by `lastPlain`, of a part that another follows. */
export function numberedPath(path: string, part: number): string {
  const extension = extensionOf(path)
  const base = path.slice(0, path.length - extension.length)
  return formatPartName({ base, version: 1, part, extension }, 'lastPlain')
}

/** File name (no folders) that an existing file gets to make room: `x_0.mp4`, `x_1.mp4` … */
export function asideName(fileName: string, number: number): string {
  const extension = extensionOf(fileName)
  const stem = fileName.slice(0, fileName.length - extension.length)
  const suffix = `_${number}${extension}`
  return trimToBytes(stem, MAX_COMPONENT_BYTES - byteLength(suffix)) + suffix
}

const REPLACING = /^\.(?<stem>.+)\.replacing\d+(?<extension>\.[A-Za-z0-9]+)?$/s

/** File name (no folders) of the file that will replace `fileName`. Hidden, and with its extension kept for players. */
export function replacingName(fileName: string, attempt: number): string {
  const extension = extensionOf(fileName)
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

/** Shortens to a number of UTF-8 bytes without cutting a character apart. */
export function trimToBytes(text: string, maxBytes: number): string {
  if (byteLength(text) <= maxBytes) return text
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += byteLength(character)
    if (bytes > maxBytes) break
    end += character.length
  }
  return text.slice(0, end)
}

function extensionOf(fileName: string): string {
  return /(?<=.)\.[A-Za-z0-9]+$/s.exec(fileName)?.[0] ?? ''
}

function byteLength(text: string): number {
  return Buffer.byteLength(text)
}
