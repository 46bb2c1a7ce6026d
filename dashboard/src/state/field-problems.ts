import type { ProblemError } from '../api/problem.ts'

/** Which field of a form shows what the server says. */
export interface FieldPlaces<Name extends string> {
  /** By the field of the request, without its `body.`. */
  readonly byPath: Readonly<Record<string, Name>>
  /** By codes that can only be about one field, where the problem names none. */
  readonly byCode: Readonly<Record<string, Name>>
}

/** What is wrong with a form. */
export interface PlacedProblems<Name extends string> {
  readonly fields: ReadonlyMap<Name, string>
  /** What fits no field, to be said beside the button. */
  readonly rest: readonly string[]
}

/** What the server does not like, at the fields it is about. */
export function placeProblems<Name extends string>(
  error: ProblemError,
  places: FieldPlaces<Name>,
): PlacedProblems<Name> {
  const fields = new Map<Name, string>()
  const rest: string[] = []
  for (const { field, message } of error.problems) {
    const path = field.replace(/^body\./, '')
    const place = places.byPath[path]
    if (place === undefined) rest.push(`${path} ${message}`)
    else fields.set(place, message)
  }
  const only = places.byCode[error.code]
  if (only !== undefined && fields.size === 0) fields.set(only, error.message)
  if (fields.size === 0 && rest.length === 0) rest.push(error.message)
  return { fields, rest }
}
