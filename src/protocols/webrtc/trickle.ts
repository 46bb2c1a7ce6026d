import { WebRtcBadOfferError } from './errors.ts'

/** Larger fragments are none: a candidate has a hundred characters. */
const MAX_FRAGMENT_CHARACTERS = 16 * 1024
/** More candidates than these are no network but a burden. */
const MAX_CANDIDATES = 100

/** What a client tells of its transport after its offer (RFC 8840 §9, RFC 9725 §4.3). */
export interface TrickleFragment {
  /** Of the ICE session that it is about; undefined: the one there is. */
  readonly ufrag: string | undefined
  readonly pwd: string | undefined
  /** Values of a=candidate lines. */
  readonly candidates: readonly string[]
  readonly isComplete: boolean
}

/** Reads the body of type `application/trickle-ice-sdpfrag`. @throws {WebRtcBadOfferError} */
export function parseTrickleFragment(text: string): TrickleFragment {
  if (text.length > MAX_FRAGMENT_CHARACTERS) throw new WebRtcBadOfferError('its fragment is too large')
  let ufrag: string | undefined
  let pwd: string | undefined
  let isComplete = false
  const candidates: string[] = []
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === '') continue
    const parts = /^([a-z])=(.*)$/.exec(line)
    if (parts === null) throw new WebRtcBadOfferError('its fragment has a line that is none of SDP')
    const [, type, value = ''] = parts
    if (type !== 'a') continue
    const [name = '', rest = ''] = splitAtColon(value)
    if (name === 'ice-ufrag') ufrag = rest.trim()
    else if (name === 'ice-pwd') pwd = rest.trim()
    else if (name === 'candidate') candidates.push(rest)
    else if (name === 'end-of-candidates') isComplete = true
  }
  if (candidates.length > MAX_CANDIDATES) {
    throw new WebRtcBadOfferError(`its fragment has more than ${MAX_CANDIDATES} candidates`)
  }
  return { ufrag, pwd, candidates, isComplete }
}

function splitAtColon(value: string): [name: string, rest: string] {
  const colon = value.indexOf(':')
  return colon < 0 ? [value.trim(), ''] : [value.slice(0, colon), value.slice(colon + 1)]
}
