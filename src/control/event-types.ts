import type { RecorderEvent } from '#recorder/recorder-api.ts'
import type { CompositionEventType } from './compositions.ts'
import type { PullEvent } from './pulls.ts'
import type { RecompositionEvent } from './recompositions.ts'
import type { SessionEventType } from './session-event.ts'

/** Every type the feed, and so a hook, can carry, as documented in docs/reference/rest.md. */
export const EVENT_TYPES = [
  'stream.started',
  'stream.ended',
  'recording.waiting',
  'recording.started',
  'recording.finishing',
  'recording.ready',
  'recording.failed',
  'recording.deleted',
  'recording.impaired',
  'recording.resumed',
  'recording.gap',
  'part.opened',
  'part.ready',
  'part.renamed',
  'rule.added',
  'rule.changed',
  'rule.removed',
  'pull.changed',
  'pull.removed',
  'composition.started',
  'composition.restarted',
  'composition.overloaded',
  'composition.ended',
  'compose-job.changed',
  'session.opened',
  'session.joined',
  'session.left',
  'session.published',
  'session.unpublished',
  'session.recording.started',
  'session.recording.stopped',
  'session.closed',
] as const satisfies readonly (
  | RecorderEvent['type']
  | PullEvent['type']
  | SessionEventType
  | CompositionEventType
  | RecompositionEvent['type']
  | 'stream.started'
  | 'stream.ended'
)[]

/** One of {@link EVENT_TYPES}. */
export type EventType = (typeof EVENT_TYPES)[number]
