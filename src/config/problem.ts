/** One thing wrong with the configuration, in the words of whoever has to mend it. */
export interface ConfigProblem {
  /** Dotted path of the key, e.g. `rtmp.tls.listen` or `auth.tokens[0].role`. */
  readonly path: string
  /** What was found, as the operator wrote it; empty when something is missing. */
  readonly found: string
  /** What would be right. */
  readonly expected: string
  /** Where it stands: `tapedeck.yaml:12`, an environment variable, a flag; empty when no single place is to blame. */
  readonly where: string
}

/** One line for people. */
export function problemLine(problem: ConfigProblem): string {
  const place = problem.where === '' ? '' : ` (${problem.where})`
  const found = problem.found === '' ? '' : `found ${problem.found}; `
  return `${problem.path}${place}: ${found}${problem.expected}`
}

const LONGEST_FOUND = 120

/** A found value as the operator would recognise it, cut to a readable length. */
export function showFound(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > LONGEST_FOUND ? `${text.slice(0, LONGEST_FOUND)}…` : text
}
