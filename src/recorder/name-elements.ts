import type { LocalClock } from './local-time.ts'

interface ElementKind {
  /** How the value reads in a file name, as the source of a regular expression. */
  readonly pattern: string
  /** Drops a folder that holds nothing else. */
  readonly mayBeEmpty?: true
  /** Differs from part to part by itself, so that no part number is needed. */
  readonly ofPart?: true
}

const EPOCH = '\\d{1,16}'
const DATE = '\\d{4}-\\d{2}-\\d{2}'
const TIME = '\\d{2}-\\d{2}-\\d{2}'
const ZONE = '[A-Za-z][A-Za-z0-9+_-]*'

/** What a template may say in braces. */
export const NAME_ELEMENTS = {
  app: { pattern: '[^/]+?', mayBeEmpty: true },
  instance: { pattern: '.+?', mayBeEmpty: true },
  name: { pattern: '[^/]+?' },
  stream: { pattern: '.+?' },
  path: { pattern: '.+?' },
  id: { pattern: '[^/]+?' },
  part: { pattern: '\\d{4,6}', ofPart: true },
  partIndex: { pattern: '\\d{1,6}', ofPart: true },
  startTime: { pattern: EPOCH },
  startTimeMillis: { pattern: EPOCH },
  date: { pattern: DATE },
  time: { pattern: TIME },
  dateCompact: { pattern: '\\d{8}' },
  timeCompact: { pattern: '\\d{6}' },
  year: { pattern: '\\d{4}' },
  month: { pattern: '\\d{2}' },
  day: { pattern: '\\d{2}' },
  hour: { pattern: '\\d{2}' },
  minute: { pattern: '\\d{2}' },
  second: { pattern: '\\d{2}' },
  millisecond: { pattern: '\\d{3}' },
  zone: { pattern: ZONE },
  partStartTime: { pattern: EPOCH, ofPart: true },
  partDate: { pattern: DATE },
  partTime: { pattern: TIME, ofPart: true },
  partDateCompact: { pattern: '\\d{8}' },
  partTimeCompact: { pattern: '\\d{6}', ofPart: true },
  partYear: { pattern: '\\d{4}' },
  partMonth: { pattern: '\\d{2}' },
  partDay: { pattern: '\\d{2}' },
  partHour: { pattern: '\\d{2}' },
  partMinute: { pattern: '\\d{2}' },
  partSecond: { pattern: '\\d{2}', ofPart: true },
  partMillisecond: { pattern: '\\d{3}' },
  partZone: { pattern: ZONE },
  partUtcMillis: { pattern: '\\d{17}', ofPart: true },
  endTime: { pattern: `${EPOCH}|\\{endTime\\}`, ofPart: true },
  endTimeMillis: { pattern: `${EPOCH}|\\{endTimeMillis\\}`, ofPart: true },
  duration: { pattern: `${EPOCH}|\\{duration\\}` },
  videoCodec: { pattern: '[A-Za-z0-9]+?', mayBeEmpty: true },
  audioCodec: { pattern: '[A-Za-z0-9]+?', mayBeEmpty: true },
  sessionId: { pattern: '.+?', mayBeEmpty: true },
  mediaSessionId: { pattern: '.+?', mayBeEmpty: true },
  login: { pattern: '.+?', mayBeEmpty: true },
} as const satisfies Record<string, ElementKind>
export type NameElement = keyof typeof NAME_ELEMENTS

/** Known only when the file is final; until then the element stands in the name as it is written. */
export const LATE_ELEMENTS = ['endTime', 'endTimeMillis', 'duration'] as const satisfies readonly NameElement[]

/** What a part's name is made of. */
export interface NameValues {
  /** Normalised stream path: `live/cam1` is app `live`, stream `cam1`; `a/b/c` is `a` and `b/c`; `cam1` has no app. */
  readonly stream: string
  readonly id: string
  /** Wall clock of the recording's start, milliseconds since 1970 UTC. */
  readonly startedAtMs: number
  /** Wall clock of the part's start. Default: the recording's. */
  readonly partStartedAtMs?: number
  /** From 1. */
  readonly part: number
  /** 1 for a name that was free. */
  readonly version: number
  /** Empty when the recording has no such track. */
  readonly videoCodec: string
  readonly audioCodec: string
  /** What only the caller of the recorder knows; default empty. `stream` replaces what {stream} would say. */
  readonly caller?: {
    readonly stream?: string
    readonly sessionId?: string
    readonly mediaSessionId?: string
    readonly login?: string
  }
  /** Of the part, once it is final. */
  readonly late?: LateValues
}

/** What is known of a part only when it is final. */
export interface LateValues {
  /** Wall clock, milliseconds since 1970 UTC. */
  readonly endedAtMs: number
  readonly durationMs: number
}

/** The text of every element. */
export function elementTexts(values: NameValues, clock: LocalClock): Record<NameElement, string> {
  const { caller = {}, late } = values
  const [app = '', ...below] = values.stream.includes('/') ? values.stream.split('/') : ['', values.stream]
  return {
    app,
    instance: below.slice(0, -1).join('/'),
    name: below.at(-1) ?? '',
    stream: caller.stream || below.join('/'),
    path: values.stream,
    id: values.id,
    part: String(values.part).padStart(4, '0'),
    partIndex: String(values.part - 1),
    ...timeTexts(values.startedAtMs, clock),
    ...ofPart(timeTexts(values.partStartedAtMs ?? values.startedAtMs, clock)),
    partUtcMillis: utcMillis(values.partStartedAtMs ?? values.startedAtMs),
    endTime: late === undefined ? '{endTime}' : String(Math.round(late.endedAtMs)),
    endTimeMillis: late === undefined ? '{endTimeMillis}' : String(Math.round(late.endedAtMs)),
    duration: late === undefined ? '{duration}' : String(Math.round(late.durationMs)),
    videoCodec: values.videoCodec,
    audioCodec: values.audioCodec,
    sessionId: caller.sessionId ?? '',
    mediaSessionId: caller.mediaSessionId ?? '',
    login: caller.login ?? '',
  }
}

function timeTexts(atMs: number, clock: LocalClock) {
  const { date, time, zone } = clock.format(atMs)
  const [year = '', month = '', day = ''] = date.split('-')
  const [hour = '', minute = '', second = ''] = time.split('-')
  const startTime = String(Math.round(atMs))
  const millisecond = String(Math.round(atMs) % 1000).padStart(3, '0')
  return {
    startTime,
    startTimeMillis: startTime,
    date,
    time,
    dateCompact: year + month + day,
    timeCompact: hour + minute + second,
    year,
    month,
    day,
    hour,
    minute,
    second,
    millisecond,
    zone,
  }
}

/** `20190611073246073`: year to millisecond, in UTC. */
function utcMillis(atMs: number): string {
  return new Date(atMs).toISOString().replaceAll(/\D/g, '')
}

function ofPart(times: ReturnType<typeof timeTexts>) {
  return {
    partStartTime: times.startTime,
    partDate: times.date,
    partTime: times.time,
    partDateCompact: times.dateCompact,
    partTimeCompact: times.timeCompact,
    partYear: times.year,
    partMonth: times.month,
    partDay: times.day,
    partHour: times.hour,
    partMinute: times.minute,
    partSecond: times.second,
    partMillisecond: times.millisecond,
    partZone: times.zone,
  }
}

/** When a recording began, by the elements a name was read into; undefined when they don't say. */
export function startedAtMs(
  texts: Readonly<Partial<Record<NameElement, string>>>,
  clock: LocalClock,
): number | undefined {
  const epochMs = texts.startTimeMillis ?? texts.startTime
  if (epochMs !== undefined) return Number(epochMs)
  const { year, month, day, hour, minute, second } = texts
  const date = texts.date ?? dashed(texts.dateCompact, /^(\d{4})(\d\d)(\d\d)$/) ?? joined([year, month, day])
  const time = texts.time ?? dashed(texts.timeCompact, /^(\d\d)(\d\d)(\d\d)$/) ?? joined([hour, minute, second])
  return date !== undefined && time !== undefined ? clock.read({ date, time }) : undefined
}

function dashed(compact: string | undefined, pattern: RegExp): string | undefined {
  return compact?.replace(pattern, '$1-$2-$3')
}

function joined(texts: readonly (string | undefined)[]): string | undefined {
  return texts.includes(undefined) ? undefined : texts.join('-')
}
