import type { NameCallerValues, NameText } from '#recorder/request.ts'
import { safeComponent, trimToCharacters } from '#recorder/safe-name.ts'
import { CODEC_NAMES } from './codec-names.ts'
import type { RecordSettings } from './settings.ts'

/** What a name may say of a stream. */
export interface NameFacts {
  readonly streamName: string
  /** `/client address:port/server address:port`. */
  readonly sessionId: string
  readonly mediaSessionId: string
  readonly login: string
}

/** The part of a recording request that names its file. */
export interface RecordName {
  readonly name: string
  readonly nameText: NameText
  readonly nameValues: NameCallerValues
}

/** Elements known before anything is recorded, and the longest each may be. spec section 3. */
const ELEMENTS: Readonly<Record<string, { readonly max: number; readonly value: (facts: NameFacts) => string }>> = {
  streamName: { max: Number.POSITIVE_INFINITY, value: (facts) => facts.streamName },
  // The URL-safe alphabet: the plain one has the slash that the name is to be spared.
  sessionId: { max: 60, value: (facts) => Buffer.from(facts.sessionId).toString('base64url') },
  mediaSessionId: { max: 36, value: (facts) => facts.mediaSessionId },
  login: { max: 32, value: (facts) => facts.login },
}

/** Elements only the recorder knows, and what it calls them: of each part its own, the later ones once it is final. */
const LATER: Readonly<Record<string, string>> = {
  audioCodec: '{audioCodec:4}',
  videoCodec: '{videoCodec:4}',
  startTime: '{partStartTime:20}',
  startTimeMillis: '{partStartTime:20}',
  endTime: '{endTime:20}',
  endTimeMillis: '{endTimeMillis:20}',
  duration: '{duration}',
}

const CODEC_ELEMENTS: readonly string[] = [LATER['audioCodec'] ?? '', LATER['videoCodec'] ?? '']

/** More than any file name keeps of a text. */
const MAX_TEXT_CHARACTERS = 512

/** Places of the recorder's templates that can carry any text of a caller's. */
const SLOTS = ['stream', 'sessionId', 'login', 'mediaSessionId'] as const

/**
 * How the recorder is to name a record. Everything known now is rendered here, so that nothing in it (a stream's name,
 * an unknown `{element}`, a slash) is taken for a template or a folder; only times and codecs are left to the
 * recorder. Order: expand, cut, delete characters, encode, make safe, number, trim. spec section 3.
 * @param template instead of the settings', from a caller
 */
export function recordName(settings: RecordSettings, facts: NameFacts, template?: string): RecordName {
  const pattern = template ?? (settings.policy === 'streamName' ? '{streamName}' : settings.template)
  const values: Partial<Record<(typeof SLOTS)[number], string>> = {}
  const found = pieces(pattern, facts, settings)
  let used = 0
  const name = found.map((piece, index) => {
    if (piece.kind === 'later') return piece.element
    const [before, after] = [index === 0 ? '' : 'x', index === found.length - 1 ? '' : 'x']
    const safe = safeComponent(before + piece.text + after)
    const isSafe = safe === before + piece.text + after
    const slot = isSafe ? undefined : SLOTS[used++]
    // What is not safe is encoded as it is, where it is; the rest would be made safe anyway.
    if (slot === undefined) return escaped(safe.slice(before.length, safe.length - after.length))
    values[slot] = piece.text
    return `{${slot}}`
  })
  // Codecs alone may turn out to be nothing; a place that is left empty says that this is known.
  if (name.every((piece) => CODEC_ELEMENTS.includes(piece))) name.push('{login}')
  return {
    name: name.join(''),
    nameText: { exclude: settings.excludedCharacters, encoding: settings.encoding },
    // The recorder takes the id where a name would be empty.
    nameValues: { mediaSessionId: facts.mediaSessionId, ...values, codecs: CODEC_NAMES },
  }
}

function escaped(text: string): string {
  return text.replace(/[{}]/g, '$&$&')
}

type Piece = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'later'; readonly element: string }

/** Texts are as long as they can be, and none is empty. */
function pieces(template: string, facts: NameFacts, settings: RecordSettings): readonly Piece[] {
  const found: Piece[] = []
  let text = ''
  const endText = () => {
    const kept = trimToCharacters(withoutFolders(text, settings), MAX_TEXT_CHARACTERS)
    if (kept !== '') found.push({ kind: 'text', text: kept })
    text = ''
  }
  for (const [piece, element = ''] of template.matchAll(/\{([A-Za-z]+)\}|[^{]+|\{/g)) {
    const later = Object.hasOwn(LATER, element) ? LATER[element] : undefined
    if (later === undefined) {
      const known = Object.hasOwn(ELEMENTS, element) ? ELEMENTS[element] : undefined
      text += known === undefined ? piece : trimToCharacters(known.value(facts), known.max)
      continue
    }
    endText()
    found.push({ kind: 'later', element: later })
  }
  endText()
  return found
}

/** One name and never folders, unless an encoding makes an end of slashes anyway. */
function withoutFolders(text: string, { encoding, excludedCharacters }: RecordSettings): string {
  const excluded = new Set(excludedCharacters)
  const kept = [...text].filter((character) => !excluded.has(character)).join('')
  return encoding === 'none' ? kept.replaceAll('/', '_') : kept
}
