/**
 * A typed list of listeners. A throwing listener can't break the media path: its error goes to `onListenerError` and
 * the others still run.
 */
export class Signal<Value> {
  readonly #listeners = new Set<(value: Value) => void>()
  readonly #onListenerError: (error: unknown) => void

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError
  }

  /** Adds a listener; dispose the result to remove it. */
  listen(listener: (value: Value) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  emit(value: Value): void {
    for (const listener of this.#listeners) {
      try {
        listener(value)
      } catch (error) {
        this.#onListenerError(error)
      }
    }
  }
}
