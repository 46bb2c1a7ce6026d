import type { Runtime } from '#base/runtime.ts'
import type { ChannelRecordings } from './channel-recordings.ts'
import { AgoraErrorNumber } from './error-numbers.ts'
import { AgoraRefusedError } from './errors.ts'
import { parseKey } from './keys/parse.ts'
import { verifyKey } from './keys/verify.ts'
import { isChannelName, parseUid } from './names.ts'

/** Longest tag: it is one line of a small file. */
const MAX_TAG_CHARACTERS = 1024

/** Whose keys are good. */
export interface Project {
  readonly vendorKey: string
  /** Empty: the vendor key itself is the key. */
  readonly signKey: string
}

/** Answers that say how a channel stands: 0 is stopped, 1 is ongoing. */
export interface ChannelAnswer {
  readonly error: 0
  readonly status: 0 | 1
  /** Below the recording root. */
  readonly directory?: string
}

/** The three calls of the SDKs, as our own HTTP calls carry them. spec section 5. */
export class RecordingCalls {
  readonly #runtime: Runtime
  readonly #recordings: ChannelRecordings
  readonly #project: Project
  readonly #alwaysAudioOnly: boolean

  constructor(options: { runtime: Runtime; recordings: ChannelRecordings; project: Project; audioOnly: boolean }) {
    this.#runtime = options.runtime
    this.#recordings = options.recordings
    this.#project = options.project
    this.#alwaysAudioOnly = options.audioOnly
  }

  /** @throws {AgoraRefusedError} @throws {StorageError} */
  async start(channel: string, body: unknown): Promise<ChannelAnswer> {
    checkChannel(channel)
    const fields = fieldsOf(body)
    const { tag = '', audioOnly = false } = fields
    if (typeof tag !== 'string' || tag.length > MAX_TAG_CHARACTERS || tag.includes('\0')) {
      throw invalid(`tag: expected text of at most ${MAX_TAG_CHARACTERS} characters`)
    }
    if (typeof audioOnly !== 'boolean') throw invalid('audioOnly: expected true or false')
    this.#checkKey(channel, fields)
    const directory = await this.#recordings.start(channel, { tag, audioOnly: audioOnly || this.#alwaysAudioOnly })
    return { error: 0, status: 1, directory }
  }

  /** @throws {AgoraRefusedError} */
  async stop(channel: string, body: unknown): Promise<ChannelAnswer> {
    checkChannel(channel)
    this.#checkKey(channel, fieldsOf(body))
    await this.#recordings.stop(channel)
    return { error: 0, status: 0 }
  }

  /** @throws {AgoraRefusedError} */
  status(channel: string): ChannelAnswer {
    checkChannel(channel)
    return { error: 0, status: this.#recordings.isRecording(channel) ? 1 : 0 }
  }

  #checkKey(channel: string, { recordingKey, uid = 0 }: Fields): void {
    const { vendorKey, signKey } = this.#project
    const number = typeof uid === 'number' || typeof uid === 'string' ? parseUid(String(uid)) : undefined
    if (number === undefined) throw new AgoraRefusedError(AgoraErrorNumber.invalidUid)
    if (typeof recordingKey !== 'string') throw invalid('recordingKey: expected the key as text')
    const isBareKey = /^[0-9a-f]{32}$/i.test(recordingKey)
    if (signKey === '') {
      if (parseKey(recordingKey) !== undefined) {
        throw new AgoraRefusedError(AgoraErrorNumber.staticVendorUsedDynamicKey)
      }
      const isOurs = recordingKey.toLowerCase() === vendorKey.toLowerCase()
      if (!isOurs) throw new AgoraRefusedError(AgoraErrorNumber.invalidVendorKey)
      return
    }
    if (isBareKey) throw new AgoraRefusedError(AgoraErrorNumber.dynamicVendorUsedStaticKey)
    const error = verifyKey(recordingKey, {
      appId: vendorKey,
      certificate: signKey,
      channel,
      uid: number,
      service: 'recording',
      nowSeconds: Math.floor(this.#runtime.nowMs() / 1000),
    })
    if (error !== 0) throw new AgoraRefusedError(error)
  }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(body: unknown): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('expected a JSON object')
  return body as Fields
}

function checkChannel(channel: string): void {
  if (!isChannelName(channel)) throw new AgoraRefusedError(AgoraErrorNumber.invalidChannelName)
}

function invalid(reason: string): AgoraRefusedError {
  return new AgoraRefusedError(AgoraErrorNumber.invalidArgument, reason)
}
