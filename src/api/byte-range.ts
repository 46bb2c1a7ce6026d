import type { IncomingHttpHeaders } from 'node:http'

/** Bytes `first` to `last`, both included, as in HTTP. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * The one range a Range header asks for. RFC 9110 §14.1.2. `whole`: no header, another unit, malformed or several
 * ranges, which a server may answer with everything. `unsatisfiable`: it begins behind the end.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '')
  const [, firstText = '', lastText = ''] = match ?? []
  if (firstText === '' && lastText === '') return 'whole'
  if (firstText === '') {
    const suffixBytes = Number(lastText)
    if (suffixBytes === 0 || sizeBytes === 0) return 'unsatisfiable'
    return { first: Math.max(0, sizeBytes - suffixBytes), last: sizeBytes - 1 }
  }
  const first = Number(firstText)
  const last = lastText === '' ? sizeBytes - 1 : Math.min(Number(lastText), sizeBytes - 1)
  // A range that runs backwards is malformed; one that begins behind the end is well formed and can't be met.
  if (lastText !== '' && Number(lastText) < first) return 'whole'
  return first >= sizeBytes ? 'unsatisfiable' : { first, last }
}

/** What a file's bytes are known by. Undefined: they still change. */
export interface Validators {
  readonly etag: string
  readonly lastModified: string
}

/** Whether a range may be served: If-Range names exactly these bytes, or is absent. RFC 9110 §13.1.5. */
export function ifRangeHolds(header: string | undefined, validators: Validators | undefined): boolean {
  if (header === undefined) return true
  return validators !== undefined && (header === validators.etag || header === validators.lastModified)
}

/** Whether the client has these bytes already. RFC 9110 §13.1.2 and §13.1.3; If-None-Match wins over the date. */
export function isNotModified(
  headers: Pick<IncomingHttpHeaders, 'if-none-match' | 'if-modified-since'>,
  validators: Validators | undefined,
): boolean {
  if (validators === undefined) return false
  const tags = headers['if-none-match']
  if (tags !== undefined) {
    return tags.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === validators.etag)
  }
  const sinceMs = Date.parse(headers['if-modified-since'] ?? '')
  return !Number.isNaN(sinceMs) && Date.parse(validators.lastModified) <= sinceMs
}
