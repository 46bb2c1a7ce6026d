import type { RecorderEvent } from '#recorder/recorder-api.ts'
import type { CompositionEventType } from './compositions.ts'
import { EVENT_NAMES } from './event-names.ts'
import type { PullEvent } from './pulls.ts'
import type { RecompositionEvent } from './recompositions.ts'
import type { SessionEventType } from './session-event.ts'

/** Every type the feed, and so a hook, can carry, as documented in docs/reference/rest.md. */
export const EVENT_TYPES = EVENT_NAMES satisfies readonly (
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
