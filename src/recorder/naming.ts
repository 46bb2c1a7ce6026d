import {
  formatPartName,
  MAX_COMPONENT_BYTES,
  type PartName,
  type PartNumbering,
  parsePartName,
  trimToBytes,
} from '#storage/part-name.ts'
import { LocalClock } from './local-time.ts'
import {
  elementTexts,
  LATE_ELEMENTS,
  NAME_ELEMENTS,
  type NameElement,
  type NameValues,
  startedAtMs,
} from './name-elements.ts'
import { literalTemplate, type NameComponent, type NamePiece, parseNameTemplate } from './name-template.ts'
import { decodeNameText, encodeNameText } from './name-text.ts'
import type { NameText } from './request.ts'
import { safeComponent, trimToCharacters } from './safe-name.ts'

export type { LateValues, NameValues } from './name-elements.ts'
export { NameTemplateError } from './name-template.ts'

/** What names follow besides the template. */
export interface NamingRules {
  /** The path itself, in which nothing is an element; `text` leaves it alone. */
  readonly path?: string | undefined
  /** The path is taken as it is, not made safe: a plain relative one. */
  readonly isVerbatim?: boolean
  /** Default `suffix`. */
  readonly numbering?: PartNumbering
  readonly text?: NameText
  /** Bytes of a file name kept free for whoever wants to add to it. Default 0. */
  readonly reserveBytes?: number
}

/** What reads as one instant, `startedAtMs`. */
const OF_START: ReadonlySet<string> = new Set<NameElement>([
  ...(['startTime', 'startTimeMillis', 'date', 'time', 'dateCompact', 'timeCompact'] as const),
  ...(['year', 'month', 'day', 'hour', 'minute', 'second'] as const),
])

/** Deeper folders than anybody can use, or would be searched for recordings, are written as one name. */
const MAX_FOLDERS = 60

/** How a part's number shows. */
export interface NumberShown {
  /** Default: `suffix` and `indexed` number parts after the first, `lastPlain` none. */
  readonly numbered?: boolean
}

/** What a name tells. Only what the template holds is there; text may be shortened and made safe. */
export interface NameReading {
  readonly app?: string
  readonly stream?: string
  readonly path?: string
  readonly id?: string
  /** Milliseconds since 1970 UTC, whole seconds if the template has no finer element. */
  readonly startedAtMs?: number
  readonly videoCodec?: string
  readonly audioCodec?: string
  /** As PartName has it, or what the template's own {part} says. */
  readonly part: number
  readonly version: number
  /** With its dot. */
  readonly extension: string
  /** Everything else the template holds, as it is written; absent when it holds nothing else. */
  readonly others?: Readonly<Partial<Record<NameElement, string>>>
}

/**
 * File names from a template such as `{app}/{stream}/{date}-{time}`, and back. `{stream:20}` shortens a value to 20
 * characters. Folders whose elements are all empty are left out. Each component of the template is expanded, its
 * elements cut, characters left out, encoded, made safe, then trimmed: version, part number and extension always stay
 * whole. Whatever the values are, the result is a relative path without empty, hidden or `..` components, each at most
 * 255 bytes.
 */
export class Naming {
  readonly template: string
  readonly #components: readonly NameComponent[]
  readonly #clock: LocalClock
  readonly #pattern: RegExp
  readonly #elementsUsed: ReadonlySet<NameElement>
  readonly #numbering: PartNumbering
  readonly #text: NameText
  readonly #reserveBytes: number
  readonly #makeSafe: (component: string) => string

  /**
   * @param timeZone IANA name
   * @throws {NameTemplateError} unknown element, unsafe literal, possibly empty name
   */
  constructor(template: string, timeZone: string, rules: NamingRules = {}) {
    const { path, isVerbatim = false, numbering = 'suffix', text = {}, reserveBytes = 0 } = rules
    this.template = template
    this.#components = path === undefined ? parseNameTemplate(template) : literalTemplate(path)
    this.#clock = new LocalClock(timeZone)
    this.#pattern = compilePattern(this.#components)
    this.#elementsUsed = new Set(
      this.#components.flat().flatMap((piece) => (piece.kind === 'element' ? [piece.element] : [])),
    )
    this.#numbering = numbering
    this.#text = path === undefined ? text : {}
    this.#reserveBytes = reserveBytes
    this.#makeSafe = path !== undefined && isVerbatim ? (component) => component : safeComponent
  }

  /** The name is not known before the part is final. */
  get isLate(): boolean {
    return LATE_ELEMENTS.some((element) => this.#elementsUsed.has(element))
  }

  /** Every part has a name of its own without a number. */
  get distinguishesParts(): boolean {
    for (const element of this.#elementsUsed) if ('ofPart' in NAME_ELEMENTS[element]) return true
    return false
  }

  /** Path of a part relative to its root, with forward slashes. `extension` includes its dot. */
  format(values: NameValues, extension: string, shown: NumberShown = {}): string {
    const elements = elementTexts(values, this.#clock)
    const components = this.#components
      .flatMap((component) => this.#render(component, elements))
      .map((component) => trimToBytes(component, MAX_COMPONENT_BYTES))
    // Only what was left out of a name, or a caller's empty values, make it empty.
    const ending = components.splice(MAX_FOLDERS).join('_') || components.pop()
    const fileName = ending || safeComponent(trimToBytes(elements.mediaSessionId, MAX_COMPONENT_BYTES)) || '_'
    // Trimming may uncover a dot or a space at the end.
    const base = [...components, fileName].map(this.#makeSafe).join('/')
    const { numbered = this.#numbering !== 'lastPlain' && values.part > 1 } = shown
    const part = numbered && !this.distinguishesParts ? values.part : 0
    return formatPartName({ base, version: values.version, part, extension }, this.#numbering, this.#reserveBytes)
  }

  /** What a path relative to a root tells, undefined when this template can't have made it. */
  read(path: string): NameReading | undefined {
    const name = parsePartName(path, this.#numbering)
    const texts = name.base.split('/').map((component) => decodeNameText(component, this.#text))
    if (texts.includes(undefined)) return undefined
    const match = this.#pattern.exec(texts.join('/'))
    return match === null ? undefined : this.#reading(name, match.groups ?? {})
  }

  #reading(name: PartName, groups: Readonly<Partial<Record<NameElement, string>>>): NameReading {
    const { app, stream, path, id, videoCodec, audioCodec, part, ...rest } = groups
    const startMs = startedAtMs(groups, this.#clock)
    const isOther = ([element, text]: [string, string | undefined]) => text !== undefined && !OF_START.has(element)
    const others = Object.fromEntries(Object.entries(rest).filter(isOther))
    return {
      ...(app !== undefined && { app }),
      ...(stream !== undefined && { stream }),
      ...(path !== undefined && { path }),
      ...(id !== undefined && { id }),
      ...(videoCodec !== undefined && { videoCodec }),
      ...(audioCodec !== undefined && { audioCodec }),
      ...(startMs !== undefined && { startedAtMs: startMs }),
      part: part === undefined ? name.part : Number(part),
      version: name.version,
      extension: name.extension,
      ...(Object.keys(others).length > 0 && { others }),
    }
  }

  /** Components from one of the template's: none when it is empty, several when a stream path has slashes. */
  #render(component: NameComponent, elements: Record<NameElement, string>): readonly string[] {
    const text = encodeNameText(component.map((piece) => renderPiece(piece, elements)).join(''), this.#text)
    return text
      .split('/')
      .filter((part) => part !== '')
      .map(this.#makeSafe)
  }
}

function renderPiece(piece: NamePiece, elements: Record<NameElement, string>): string {
  if (piece.kind === 'literal') return piece.text
  const text = elements[piece.element]
  return text === `{${piece.element}}` ? text : trimToCharacters(text, piece.maxCharacters)
}

/** Reads what #render() writes: one named group per element; an element met again must repeat its value. */
function compilePattern(components: readonly NameComponent[]): RegExp {
  const seen = new Set<NameElement>()
  const sources = components.map((component, index) => {
    const droppable = component.every(
      (piece) => piece.kind === 'element' && 'mayBeEmpty' in NAME_ELEMENTS[piece.element],
    )
    const source = component.map((piece) => piecePattern(piece, seen, !droppable)).join('')
    const slash = index === components.length - 1 ? '' : '/'
    return droppable ? `(?:${source}${slash})?` : source + slash
  })
  return new RegExp(`^${sources.join('')}$`, 'su')
}

function piecePattern(piece: NamePiece, seen: Set<NameElement>, mayBeEmpty: boolean): string {
  if (piece.kind === 'literal') return RegExp.escape(piece.text)
  const element = NAME_ELEMENTS[piece.element]
  if (seen.has(piece.element)) return `\\k<${piece.element}>`
  seen.add(piece.element)
  return `(?<${piece.element}>${element.pattern})${'mayBeEmpty' in element && mayBeEmpty ? '?' : ''}`
}
