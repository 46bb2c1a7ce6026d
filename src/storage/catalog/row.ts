import type { SQLOutputValue } from 'node:sqlite'
import { CatalogDamagedError } from './errors.ts'

/** A row of a result, read with the types we expect of each column; anything else is damage. */
export class Row {
  readonly #values: Record<string, SQLOutputValue>

  constructor(values: Record<string, SQLOutputValue>) {
    this.#values = values
  }

  text(column: string): string {
    const value = this.#values[column]
    return typeof value === 'string' ? value : this.#refuse(column)
  }

  textOrNull(column: string): string | null {
    return this.#values[column] === null ? null : this.text(column)
  }

  number(column: string): number {
    const value = this.#values[column]
    return typeof value === 'number' ? value : this.#refuse(column)
  }

  numberOrNull(column: string): number | null {
    return this.#values[column] === null ? null : this.number(column)
  }

  boolean(column: string): boolean {
    return this.number(column) !== 0
  }

  oneOf<Value extends string>(column: string, values: readonly Value[]): Value {
    const text = this.text(column)
    return values.find((value) => value === text) ?? this.#refuse(column)
  }

  json(column: string): unknown {
    try {
      return JSON.parse(this.text(column))
    } catch {
      return this.#refuse(column)
    }
  }

  #refuse(column: string): never {
    throw new CatalogDamagedError(`column ${column}`)
  }
}
