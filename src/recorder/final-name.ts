import { errorMessage } from '#base/error.ts'
import { NameRecipeError } from './errors.ts'
import { type LateValues, type NameValues, Naming, type NamingRules } from './naming.ts'

/** Everything a name is made of but what is known only at the end. */
export interface NameRecipe {
  readonly template: string
  readonly rules: NamingRules
  readonly timeZone: string
  readonly values: NameValues
  /** With its dot. */
  readonly extension: string
  /** See NumberShown. */
  readonly numbered: boolean
}

/** As a part's document keeps it, for whoever finishes the part: perhaps the next run of the server. */
export function writeRecipe(recipe: NameRecipe): string {
  return JSON.stringify(recipe)
}

/**
 * Relative paths that a part may get now that it is final: version 1 unless that is taken.
 * @throws {NameRecipeError} somebody has changed the recipe
 */
export function finalNames(recipe: string, late: LateValues): (version: number) => string {
  try {
    // Whatever else stands in it, Naming makes a path below the root of it, or throws.
    const { template, rules, timeZone, values, extension, numbered }: NameRecipe = JSON.parse(recipe)
    const naming = new Naming(template, timeZone, rules)
    const format = (version: number) => naming.format({ ...values, late, version }, extension, { numbered })
    format(1)
    return format
  } catch (error) {
    throw new NameRecipeError(errorMessage(error))
  }
}
