import type { Runtime } from '#base/runtime.ts'
import type { Container, ContainerName } from '#containers/container.ts'
import type { StreamLoss } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { VideoCodec } from '#media/codec.ts'
import type { DataMessage } from '#media/data-message.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { Account } from './account.ts'
import { appendGap, appendStartMs } from './append-start.ts'
import type { ArrivalClock } from './arrival-clock.ts'
import type { Intake } from './intake.ts'
import type { Output } from './output.ts'
import type { AppendTarget, PartMaker } from './part-maker.ts'
import type { Placement } from './placement.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { TranscodedTracks } from './transcoded-tracks.ts'

export interface RecordingStartOptions {
  readonly request: ResolvedRequest
  /** What an appended file's recording was; undefined for a new one. */
  readonly previous: RecordingDocument | undefined
  readonly nowMs: Runtime['nowMs']
  readonly maker: PartMaker
  readonly intake: Intake
  readonly arrival: ArrivalClock
  readonly account: Account
  readonly placement: Placement
  readonly sound: TranscodedTracks
  readonly output: Output
  /** Codecs of pictures that are to come. */
  readonly promisedVideo: () => readonly VideoCodec[] | undefined
  /** It can't begin. */
  readonly failed: (error: unknown) => void
}

/** How a recording begins: with what has gathered, in a new file or behind what an appended one holds. */
export class RecordingStart {
  readonly #options: RecordingStartOptions
  #firstFormat: ContainerName | undefined
  #startedAtMs: number | undefined
  #opening: Promise<void> | undefined

  constructor(options: RecordingStartOptions) {
    const { previous } = options
    this.#options = options
    this.#startedAtMs = previous?.startedAt == null ? undefined : Date.parse(previous.startedAt)
  }

  get hasBegun(): boolean {
    return this.#firstFormat !== undefined
  }

  get isOpening(): boolean {
    return this.#opening !== undefined && !this.hasBegun
  }

  /** Of the first part of this session; undefined until it has begun. */
  get firstFormat(): ContainerName | undefined {
    return this.#firstFormat
  }

  /** Of the recording's first session. */
  get startedAtMs(): number | undefined {
    return this.#startedAtMs
  }

  /** An appended file is open by then, or can't be had. Never rejects. */
  async settled(): Promise<void> {
    await this.#opening
  }

  /** Begins the first part with what was gathered; an appended file is opened first, while gathering goes on. */
  begin(): void {
    const { request, previous, nowMs, maker, intake, arrival, sound, promisedVideo, failed } = this.#options
    if (this.hasBegun || this.#opening !== undefined || intake.isEmpty) return
    const { formats } = intake
    let container: Container
    try {
      container = maker.container(formats.values(), this.#presentFormat, promisedVideo())
    } catch (error) {
      failed(error)
      return
    }
    sound.begin(container, formats.values())
    const isAppended = request.ifExists === 'append'
    // What goes on in a file begins after a pause that is counted to now.
    if (!isAppended && arrival.beganAtMs === undefined) arrival.began(intake.gatheredForMs)
    const beganAtMs = arrival.beganAtMs ?? nowMs()
    if (!isAppended) {
      this.#start(container, beganAtMs, undefined)
      return
    }
    const written = sound.written(formats)
    this.#opening = maker.openForAppend(container, written.values(), beganAtMs, previous?.parts.at(-1)).then(
      (target) => this.#start(container, beganAtMs, target),
      (error: unknown) => failed(error),
    )
  }

  /** Of the file that is to be gone on in, if there is one. */
  get #presentFormat(): ContainerName | undefined {
    const { previous } = this.#options
    return previous?.parts.at(-1)?.format ?? previous?.format
  }

  #start(container: Container, nowMs: number, target: AppendTarget | undefined): void {
    const { intake, arrival, placement, output } = this.#options
    this.#firstFormat = container.name
    this.#startedAtMs ??= nowMs
    const gathered = intake.begin(container)
    if (target !== undefined) this.#goOnAfter(target, gathered, nowMs)
    const first = earliest(gathered)
    if (first !== undefined) placement.begin(first)
    const startedAtMs = this.#startedAtMs
    arrival.zeroMs = placement.endMs
    arrival.catchUp(() => {
      if (target === undefined) output.begin(container, startedAtMs)
      else output.append(container, startedAtMs, target)
      this.#take(gathered)
    })
  }

  #take(gathered: readonly (AccessUnit | DataMessage)[]): void {
    const { intake, placement, sound, output } = this.#options
    const losses = [...intake.takeEarlyLosses()]
    for (const item of gathered) {
      if ('body' in item) {
        output.data(item, placement.momentMs(item.timeMs))
        continue
      }
      // Told first, so that a pause in the media is known for what the network took.
      for (; losses[0] !== undefined && isBefore(losses[0], item); losses.shift()) placement.lostOnTheWay(losses[0])
      placement.take(item)
      item.release()
    }
    for (const loss of losses) placement.lostOnTheWay(loss)
    sound.begun()
  }

  /**
   * Places what begins behind what an appended file holds. The account gets the pause since it ended, or what it holds
   * when no recording knew it.
   */
  #goOnAfter(target: AppendTarget, gathered: readonly (AccessUnit | DataMessage)[], nowMs: number): void {
    const { request, previous, intake, account, placement } = this.#options
    if (previous === undefined) account.adopt(target.previous)
    const isKept = request.appendGap === 'keep'
    // Nobody knows when a file became what it is; only whoever wants to keep the pause has to go by its date.
    const endedAt = previous === undefined ? (isKept ? target.endedAtMs : null) : previous.endedAt
    const missingMs = endedAt === null ? 0 : Math.max(0, nowMs - new Date(endedAt).getTime())
    const units = gathered.filter((item): item is AccessUnit => !('body' in item))
    const fromMs = target.previous.startMs + appendStartMs(units, intake.leadingTrackId, target)
    const gap = appendGap(fromMs, missingMs, isKept)
    if (endedAt !== null) account.interrupted(gap)
    placement.startAt(gap.toMs)
  }
}

/** The access unit that is decoded first of all tracks: the recording's zero. */
function earliest(gathered: readonly (AccessUnit | DataMessage)[]): AccessUnit | undefined {
  let first: AccessUnit | undefined
  for (const accessUnit of gathered) {
    if ('body' in accessUnit) continue
    if (first === undefined || accessUnit.dts / accessUnit.format.timescale < first.dts / first.format.timescale) {
      first = accessUnit
    }
  }
  return first
}

/** What comes after something was lost, on the same track. */
function isBefore({ format, fromDts }: StreamLoss, accessUnit: AccessUnit): boolean {
  return format.trackId === accessUnit.format.trackId && fromDts < accessUnit.dts
}
