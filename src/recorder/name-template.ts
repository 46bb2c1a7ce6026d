import { TapedeckError } from '#base/error.ts'
import { safeComponent } from './safe-name.ts'

/** What a template may say in braces. `pattern` is how the value reads in a file name; `mayBeEmpty` drops a folder. */
export const NAME_ELEMENTS = {
  app: { pattern: '[^/]+?', mayBeEmpty: true },
  stream: { pattern: '.+?', mayBeEmpty: false },
  path: { pattern: '.+?', mayBeEmpty: false },
  date: { pattern: '\\d{4}-\\d{2}-\\d{2}', mayBeEmpty: false },
  time: { pattern: '\\d{2}-\\d{2}-\\d{2}', mayBeEmpty: false },
  startTime: { pattern: '\\d{1,16}', mayBeEmpty: false },
  startTimeMillis: { pattern: '\\d{1,16}', mayBeEmpty: false },
  id: { pattern: '[^/]+?', mayBeEmpty: false },
  part: { pattern: '\\d{4,6}', mayBeEmpty: false },
  videoCodec: { pattern: '[a-z0-9]+?', mayBeEmpty: true },
  audioCodec: { pattern: '[a-z0-9]+?', mayBeEmpty: true },
} as const satisfies Record<string, { pattern: string; mayBeEmpty: boolean }>
export type NameElement = keyof typeof NAME_ELEMENTS

export type NamePiece =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'element'; readonly element: NameElement; readonly maxCharacters: number }

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

const PIECE = /\{(?<element>[A-Za-z]+)(?::(?<max>[1-9]\d{0,2}))?\}|(?<literal>[^{}]+)|(?<stray>[{}])/g

/** @throws {NameTemplateError} */
export function parseNameTemplate(template: string): readonly NameComponent[] {
  if (template === '') throw new NameTemplateError(template, 'is empty')
  if (template.startsWith('/')) throw new NameTemplateError(template, 'is an absolute path')
  const components = template.split('/').map((component) => parseComponent(template, component))
  const fileName = components.at(-1) ?? []
  if (fileName.every((piece) => piece.kind === 'element' && NAME_ELEMENTS[piece.element].mayBeEmpty)) {
    throw new NameTemplateError(template, 'may give an empty file name')
  }
  return components
}

function parseComponent(template: string, component: string): NameComponent {
  if (component === '') throw new NameTemplateError(template, 'has an empty folder name')
  const pieces: NamePiece[] = []
  for (const { groups = {} } of component.matchAll(PIECE)) {
    const { element, max, literal, stray } = groups
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
