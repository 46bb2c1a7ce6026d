/** A channel's name: 1 to 64 bytes of printable ASCII. spec section 3. */
const CHANNEL_NAME = /^[A-Za-z0-9 !#$%&()+\-:;<=.>?@[\]^_{}|~,]{1,64}$/

/** Highest uid: 32 bits, unsigned. */
export const MAX_UID = 0xffff_ffff

/** Whether the vendor's clients could join a channel of this name. */
export function isChannelName(text: string): boolean {
  return CHANNEL_NAME.test(text)
}

/** A uid as it is printed: unsigned decimal without padding. Undefined: it is none. */
export function parseUid(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,9})$/.test(text)) return undefined
  const uid = Number(text)
  return uid <= MAX_UID ? uid : undefined
}

/** Day and time of day as names have them. */
export interface NameTime {
  /** `2016_06_13` */
  readonly day: string
  /** `093015` */
  readonly time: string
}

/** @param nowMs milliseconds since 1970 UTC @param isUtc else by this machine's time zone */
export function nameTime(nowMs: number, isUtc: boolean): NameTime {
  const date = new Date(nowMs)
  // Local time as if it were UTC: one way to read the fields.
  const shown = isUtc ? date : new Date(nowMs - date.getTimezoneOffset() * 60_000)
  const [day = '', time = ''] = shown.toISOString().split(/[T.]/)
  return { day: day.replaceAll('-', '_'), time: time.replaceAll(':', '') }
}

/** What the path of a user's file tells, below the root. */
export interface FileFacts {
  readonly uid: number
  /** When the user's media began, milliseconds since 1970 UTC. */
  readonly startedAtMs: number
}

const DAY_FOLDER = /^(\d{4})_(\d{2})_(\d{2})$/
const CHANNEL_FOLDER = /^.{1,64}_(\d{6})(?:_\d+)?$/s
const USER_FILE = /^(\d{1,10})_(\d{6})(?:_\w+)?\.tmp$/

/** Whether folders and a file of these names are a channel's recording. Undefined: they are not. */
export function readPath(day: string, channel: string, file: string, isUtc: boolean): FileFacts | undefined {
  const date = DAY_FOLDER.exec(day)
  const begun = CHANNEL_FOLDER.exec(channel)
  const media = USER_FILE.exec(file)
  const uid = parseUid(media?.[1] ?? '')
  if (date === null || begun === null || media === null || uid === undefined) return undefined
  const [, year, month, dayOfMonth] = date.map(Number)
  const [, channelTime = ''] = begun
  const [, , time = ''] = media
  // A user who came after midnight lies with those who came before.
  const daysLater = time < channelTime ? 1 : 0
  const fields = [year ?? 0, (month ?? 1) - 1, (dayOfMonth ?? 1) + daysLater, ...clockFields(time)] as const
  const startedAtMs = isUtc ? Date.UTC(...fields) : new Date(...fields).getTime()
  return { uid, startedAtMs }
}

function clockFields(time: string): readonly [hours: number, minutes: number, seconds: number] {
  return [Number(time.slice(0, 2)), Number(time.slice(2, 4)), Number(time.slice(4, 6))]
}
