import type { ContainerName } from '#containers/container.ts'

/** What a caller asks for. Defaults are applied by resolveRequest (request-defaults.ts). */
export interface RecordingRequest {
  /** Path of the stream. */
  readonly stream: string
  /** `auto`: MP4 where it carries the codecs, else FLV. Default auto. */
  readonly format?: ContainerName | 'auto'
  /** Name template, see naming.ts. Default: recordings.name of the configuration. */
  readonly name?: string
  readonly ifExists?: IfExists
  readonly rotate?: { readonly seconds?: number; readonly bytes?: number }
  /** `keyframe`: begins at the remembered random access point. `now`: at the next access unit, decodable or not. */
  readonly startOn?: 'keyframe' | 'now'
  readonly tracks?: { readonly audio?: boolean; readonly video?: boolean }
  readonly maxSeconds?: number
  /** Accept a path nobody publishes yet and wait. Default false: 404. */
  readonly waitForStream?: boolean
  /** Seconds a recording survives without its publisher. Default from the configuration. */
  readonly reconnectSeconds?: number
  readonly metadata?: Readonly<Record<string, string>>
}

/** What to do when the name of a new recording is taken; `version` takes the next number. */
export const IF_EXISTS = ['version', 'append', 'overwrite', 'fail'] as const
/** One of {@link IF_EXISTS}. */
export type IfExists = (typeof IF_EXISTS)[number]
