import { TapedeckError } from '#base/error.ts'
import { MAX_STREAM_PATH_BYTES } from './stream-path.ts'

export class PathPatternError extends TapedeckError {
  readonly code = 'stream/pattern-invalid'
  readonly origin = 'client'
  readonly pattern: string
  readonly reason: string
  constructor(pattern: string, reason: string) {
    super(`pattern ${JSON.stringify(pattern.slice(0, 200))} ${reason}: use e.g. "**", "live/*" or "live/cam1"`)
    this.pattern = pattern
    this.reason = reason
  }
}

/** A compiled glob over stream paths. */
export interface PathPattern {
  readonly source: string
  matches(path: string): boolean
}

/**
 * Compiles a glob over stream paths: `**` as a whole component stands for any number of components (also none), `*`
 * for any characters within one component, everything else for itself.
 * @throws {PathPatternError} empty, too long, an empty component, or `**` glued to other characters
 */
export function compilePathPattern(source: string): PathPattern {
  const trimmed = source.replace(/^\/+|\/+$/g, '')
  if (trimmed === '') throw new PathPatternError(source, 'is empty')
  if (trimmed.length > MAX_STREAM_PATH_BYTES) throw new PathPatternError(source, 'is too long')
  const components = trimmed.split('/')
  for (const component of components) {
    if (component === '') throw new PathPatternError(source, 'has an empty component')
    if (component !== '**' && component.includes('**')) {
      throw new PathPatternError(source, 'has "**" beside other characters')
    }
  }
  return { source: trimmed, matches: (path) => matchesComponents(components, path.split('/')) }
}

/**
 * Greedy with one remembered `**`: quadratic at worst. A regular expression made from the pattern would backtrack
 * exponentially on patterns an outsider may send.
 */
function matchesComponents(pattern: readonly string[], path: readonly string[]): boolean {
  return greedyMatch(pattern, path, (component) => component === '**', matchesComponent)
}

function matchesComponent(pattern: string, component: string): boolean {
  return greedyMatch([...pattern], [...component], (character) => character === '*', Object.is)
}

/** Matches items against a pattern in which some elements stand for any run of items. */
function greedyMatch(
  pattern: readonly string[],
  items: readonly string[],
  isRun: (element: string) => boolean,
  matches: (element: string, item: string) => boolean,
): boolean {
  let patternIndex = 0
  let itemIndex = 0
  let runIndex = -1
  let runItemIndex = 0
  while (itemIndex < items.length) {
    const element = pattern[patternIndex]
    const item = items[itemIndex] ?? ''
    if (element !== undefined && isRun(element)) {
      runIndex = patternIndex++
      runItemIndex = itemIndex
    } else if (element !== undefined && matches(element, item)) {
      patternIndex++
      itemIndex++
    } else if (runIndex >= 0) {
      patternIndex = runIndex + 1
      itemIndex = ++runItemIndex
    } else {
      return false
    }
  }
  return pattern.slice(patternIndex).every(isRun)
}
