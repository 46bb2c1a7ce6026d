import { TapedeckError } from '#base/error.ts'
import { NAME_ELEMENTS, type NameElement } from './name-elements.ts'
import { safeComponent } from './safe-name.ts'

export type NamePiece =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'element'; readonly element: NameElement; readonly maxCharacters: number }

/** Of these a name may not consist alone: a stream without an app, or without a video track, would have none. */
const EMPTY_ALONE: ReadonlySet<NameElement> = new Set(['app', 'instance', 'videoCodec', 'audioCodec'])

/** One folder of the template, or (the last) its file name. */
export type NameComponent = readonly NamePiece[]

export class NameTemplateError extends TapedeckError {
  readonly code = 'recording/name-invalid'
  readonly origin = 'client'
  readonly template: string
  readonly reason: string
  constructor(template: string, reason: string) {
    const elements = Object.keys(NAME_ELEMENTS).map((element) => `{${element}}`)
    super(
      `name template ${JSON.stringify(template)} ${reason}: write a relative path with the elements ${elements.join(' ')}`,
    )
    this.template = template
    this.reason = reason
  }
}

/** Doubled braces are braces. */
const PIECE =
  /(?<brace>\{\{|\}\})|\{(?<element>[A-Za-z]+)(?::(?<max>[1-9]\d{0,2}))?\}|(?<literal>[^{}]+)|(?<stray>[{}])/g

/** @throws {NameTemplateError} */
export function parseNameTemplate(template: string): readonly NameComponent[] {
  if (template === '') throw new NameTemplateError(template, 'is empty')
  if (template.startsWith('/')) throw new NameTemplateError(template, 'is an absolute path')
  const components = template.split('/').map((component) => parseComponent(template, component))
  const fileName = components.at(-1) ?? []
  if (fileName.every((piece) => piece.kind === 'element' && EMPTY_ALONE.has(piece.element))) {
    throw new NameTemplateError(template, 'may give an empty file name')
  }
  return components
}

/** A path in which nothing is an element: made safe when it is rendered. */
export function literalTemplate(path: string): readonly NameComponent[] {
  const components = path.split('/').filter((component) => component !== '' && component !== '.')
  return components.map((text) => [{ kind: 'literal', text }])
}

function parseComponent(template: string, component: string): NameComponent {
  if (component === '') throw new NameTemplateError(template, 'has an empty folder name')
  const pieces: NamePiece[] = []
  for (const { groups = {} } of component.matchAll(PIECE)) {
    const { brace, element, max, literal, stray } = groups
    if (brace !== undefined) pieces.push({ kind: 'literal', text: brace.slice(1) })
    if (stray !== undefined) throw new NameTemplateError(template, `has a stray ${stray}`)
    if (literal !== undefined) pieces.push({ kind: 'literal', text: literal })
    if (element !== undefined) {
      if (!isNameElement(element)) throw new NameTemplateError(template, `has the unknown element {${element}}`)
      pieces.push({ kind: 'element', element, maxCharacters: max === undefined ? Infinity : Number(max) })
    }
  }
  refuseUnsafeLiterals(template, pieces)
  return pieces
}

/** Values are made safe when rendered; what the template itself says must be safe already. */
function refuseUnsafeLiterals(template: string, pieces: NameComponent): void {
  // An element counts as one letter, so that `{stream}.` and `.{stream}` are judged by their literal ends.
  const shape = pieces.map((piece) => (piece.kind === 'literal' ? piece.text : 'x')).join('')
  if (safeComponent(shape) !== shape.normalize('NFC')) {
    throw new NameTemplateError(
      template,
      'has a folder or file name that is hidden, reserved or not allowed everywhere',
    )
  }
}

function isNameElement(name: string): name is NameElement {
  return Object.hasOwn(NAME_ELEMENTS, name)
}
