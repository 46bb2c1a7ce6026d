import type { Change } from '#containers/container.ts'
import { MemoryPart } from './part-bytes.ts'

/** A part in memory that can show every state it went through: changes are copied, because payload memory is reused. */
export class SnapshotPart extends MemoryPart {
  readonly #steps: ({ readonly change: Change } | { readonly truncateTo: number })[] = []
  readonly #start: Uint8Array

  constructor(bytes: Uint8Array = new Uint8Array()) {
    super(bytes)
    this.#start = bytes.slice()
  }

  /** Changes and truncations so far. */
  get steps(): number {
    return this.#steps.length
  }

  override async apply(changes: readonly Change[]): Promise<void> {
    for (const change of changes) this.#steps.push({ change: copy(change) })
    await super.apply(changes)
  }

  override async truncate(toBytes: number): Promise<void> {
    this.#steps.push({ truncateTo: toBytes })
    await super.truncate(toBytes)
  }

  /** The content after the first `steps` changes. */
  async stateAfter(steps: number): Promise<MemoryPart> {
    const part = new MemoryPart(this.#start)
    for (const step of this.#steps.slice(0, steps)) {
      if ('change' in step) await part.apply([step.change])
      else await part.truncate(step.truncateTo)
    }
    return part
  }
}

function copy(change: Change): Change {
  if (change.kind === 'append') return { ...change, buffers: change.buffers.map((buffer) => buffer.slice()) }
  return change.kind === 'write' ? { ...change, bytes: change.bytes.slice() } : change
}
