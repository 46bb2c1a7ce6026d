import { parseUid } from '../names.ts'
import type { FieldReader } from './fields.ts'

/** Everybody in the channel. */
const ALL_STREAMS = '#allstream#'
const LIMIT = { items: 1_000, characters: 32 } as const

/** What is taken of a user. */
export interface Wanted {
  readonly audio: boolean
  readonly video: boolean
}

/** Of one kind of media: everybody but some, or only some. */
interface UidList {
  readonly isAllowing: boolean
  readonly uids: ReadonlySet<number> | 'all'
}

/** Which users' sound and pictures are recorded. Both undefined: everybody's. */
export interface Subscription {
  readonly audio: UidList | undefined
  readonly video: UidList | undefined
}

/** Everything of everybody. */
export const EVERYBODY: Subscription = { audio: undefined, video: undefined }

/** The lists of a start's `recordingConfig`. @throws {CloudRefusedError} */
export function readSubscription(config: FieldReader): Subscription {
  return { audio: readList(config, 'Audio'), video: readList(config, 'Video') }
}

/** The lists of an update's `streamSubscribe`. @throws {CloudRefusedError} */
export function readStreamSubscribe(subscribe: FieldReader): Subscription {
  return {
    audio: readList(subscribe.objectOrEmpty('audioUidList'), 'Audio'),
    video: readList(subscribe.objectOrEmpty('videoUidList'), 'Video'),
  }
}

/** What of a user is recorded: where only one kind of media has a list, nothing of the other is. */
export function wantedOf({ audio, video }: Subscription, uid: number): Wanted {
  if (audio === undefined && video === undefined) return { audio: true, video: true }
  return { audio: allows(audio, uid), video: allows(video, uid) }
}

function allows(list: UidList | undefined, uid: number): boolean {
  if (list === undefined) return false
  return (list.uids === 'all' || list.uids.has(uid)) === list.isAllowing
}

function readList(fields: FieldReader, kind: 'Audio' | 'Video'): UidList | undefined {
  const [allowing, refusing] = [`subscribe${kind}Uids`, `unSubscribe${kind}Uids`] as const
  if (fields.has(allowing) && fields.has(refusing)) throw fields.refuse(allowing, `it excludes ${refusing}`)
  const isAllowing = fields.has(allowing)
  const name = isAllowing ? allowing : refusing
  const texts = fields.texts(name, LIMIT)
  if (texts === undefined) return undefined
  if (texts.includes(ALL_STREAMS)) return { isAllowing, uids: 'all' }
  const uids = texts.map((text) => parseUid(text))
  if (!uids.every((uid) => uid !== undefined)) throw fields.refuse(name, `expected uids, or ${ALL_STREAMS}`)
  return { isAllowing, uids: new Set(uids) }
}
