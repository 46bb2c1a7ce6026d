import { formatPartName, PART_NAME_RESERVE_BYTES, type PartName, parsePartName } from '#storage/part-name.ts'
import { LocalClock } from './local-time.ts'
import {
  NAME_ELEMENTS,
  type NameComponent,
  type NameElement,
  type NamePiece,
  parseNameTemplate,
} from './name-template.ts'
import { MAX_COMPONENT_BYTES, safeComponent, trimToBytes, trimToCharacters } from './safe-name.ts'

export { NameTemplateError } from './name-template.ts'

/** What a part's name is made of. */
export interface NameValues {
  /** Normalised stream path: `live/cam1` is app `live`, stream `cam1`; `a/b/c` is `a` and `b/c`; `cam1` has no app. */
  readonly stream: string
  readonly id: string
  /** Wall clock, milliseconds since 1970 UTC. Of the recording or of the part, as the caller likes its names. */
  readonly startedAtMs: number
  /** From 1. Written as `_part0002` after the name from the second on, unless the template places `{part}` itself. */
  readonly part: number
  /** 1 for a name that was free. Give what readName() says of the first part, so that all parts carry its number. */
  readonly version: number
  /** Empty when the recording has no such track. */
  readonly videoCodec: string
  readonly audioCodec: string
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
  readonly part: number
  readonly version: number
  /** With its dot. */
  readonly extension: string
}

/**
 * File names from a template such as `{app}/{stream}/{date}-{time}`, and back. `{stream:20}` shortens a value to 20
 * characters. `{date}` is YYYY-MM-DD, `{time}` HH-MM-SS, both in the time zone given; `{startTime}` and
 * `{startTimeMillis}` are milliseconds since 1970. Folders whose elements are all empty are left out. Whatever the
 * values are, the result is a relative path without empty, hidden or `..` components, each at most 255 bytes.
 */
export class Naming {
  readonly template: string
  readonly #components: readonly NameComponent[]
  readonly #clock: LocalClock
  readonly #pattern: RegExp
  readonly #placesPart: boolean

  /**
   * @param timeZone IANA name
   * @throws {NameTemplateError} unknown element, unsafe literal, possibly empty name
   */
  constructor(template: string, timeZone: string) {
    this.template = template
    this.#components = parseNameTemplate(template)
    this.#clock = new LocalClock(timeZone)
    this.#pattern = compilePattern(this.#components)
    this.#placesPart = this.#components.flat().some((piece) => piece.kind === 'element' && piece.element === 'part')
  }

  /** Path of a part relative to its root, with forward slashes. `extension` includes its dot. */
  format(values: NameValues, extension: string): string {
    const elements = this.#elements(values)
    const folders = this.#components
      .flatMap((component) => render(component, elements))
      .map((component) => trimToBytes(component, MAX_COMPONENT_BYTES))
    // Only a stream path without a letter (which the hub refuses) renders to nothing.
    const fileName = folders.pop() ?? '_'
    const base = trimToBytes(fileName, MAX_COMPONENT_BYTES - PART_NAME_RESERVE_BYTES)
    const part = this.#placesPart ? 1 : values.part
    // Trimming may uncover a dot or a space at the end.
    const path = [...folders.map(safeComponent), safeComponent(base)].join('/')
    return formatPartName({ base: path, version: values.version, part, extension })
  }

  /** What a path relative to a root tells, undefined when this template can't have made it. */
  read(path: string): NameReading | undefined {
    const name = parsePartName(path)
    const groups = this.#pattern.exec(name.base)?.groups
    if (groups === undefined) return undefined
    return this.#reading(name, groups)
  }

  #reading(name: PartName, groups: Readonly<Partial<Record<NameElement, string>>>): NameReading {
    const { app, stream, path, id, videoCodec, audioCodec, part } = groups
    const startedAtMs = this.#startedAtMs(groups)
    return {
      ...(app !== undefined && { app }),
      ...(stream !== undefined && { stream }),
      ...(path !== undefined && { path }),
      ...(id !== undefined && { id }),
      ...(videoCodec !== undefined && { videoCodec }),
      ...(audioCodec !== undefined && { audioCodec }),
      ...(startedAtMs !== undefined && { startedAtMs }),
      part: part === undefined ? name.part : Number(part),
      version: name.version,
      extension: name.extension,
    }
  }

  #startedAtMs(groups: Readonly<Partial<Record<NameElement, string>>>): number | undefined {
    const { startTimeMillis, startTime, date, time } = groups
    const epochMs = startTimeMillis ?? startTime
    if (epochMs !== undefined) return Number(epochMs)
    return date !== undefined && time !== undefined ? this.#clock.read({ date, time }) : undefined
  }

  #elements(values: NameValues): Record<NameElement, string> {
    const slash = values.stream.indexOf('/')
    return {
      app: slash === -1 ? '' : values.stream.slice(0, slash),
      stream: values.stream.slice(slash + 1),
      path: values.stream,
      ...this.#clock.format(values.startedAtMs),
      startTime: String(values.startedAtMs),
      startTimeMillis: String(values.startedAtMs),
      id: values.id,
      part: String(values.part).padStart(4, '0'),
      videoCodec: values.videoCodec,
      audioCodec: values.audioCodec,
    }
  }
}

/** Components from one of the template's: none when it is empty, several when a stream path has slashes. */
function render(component: NameComponent, elements: Record<NameElement, string>): readonly string[] {
  const text = component.map((piece) => renderPiece(piece, elements)).join('')
  return text
    .split('/')
    .filter((part) => part !== '')
    .map(safeComponent)
}

function renderPiece(piece: NamePiece, elements: Record<NameElement, string>): string {
  return piece.kind === 'literal' ? piece.text : trimToCharacters(elements[piece.element], piece.maxCharacters)
}

/** Reads what render() writes: one named group per element; an element met again must repeat its value. */
function compilePattern(components: readonly NameComponent[]): RegExp {
  const seen = new Set<NameElement>()
  const sources = components.map((component, index) => {
    const droppable = component.every((piece) => piece.kind === 'element' && NAME_ELEMENTS[piece.element].mayBeEmpty)
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
  return `(?<${piece.element}>${element.pattern})${element.mayBeEmpty && mayBeEmpty ? '?' : ''}`
}
