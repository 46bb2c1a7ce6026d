import type { Container, ContainerName } from '#containers/container.ts'

/** What all recordings of a recorder share. */
export interface RecorderSettings {
  readonly node: string
  /** Absolute paths; the first takes new recordings. */
  readonly roots: readonly string[]
  /** Default name template and format. */
  readonly name: string
  readonly format: ContainerName | 'auto'
  readonly timeZone: string
  readonly durability: 'process' | 'power'
  readonly fragmentMs: number
  readonly trackWaitMs: number
  readonly reconnectSeconds: number
  /** Bound of what one recording holds for a slow disk. */
  readonly queueBytes: number
  /** How much of every stream's past is remembered, so that recordings may begin there; rules may want more. */
  readonly preRollSeconds: number
  /** Bound of that memory, per stream, and of what a recording that begins in the past may hold besides queueBytes. */
  readonly preRollBytes: number
  readonly containers: Readonly<Record<ContainerName, Container>>
}
