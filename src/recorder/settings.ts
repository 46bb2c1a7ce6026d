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
  readonly containers: Readonly<Record<ContainerName, Container>>
}
