import type { Layout } from '#compose/layout/layouts.ts'
import { isChannelName, parseUid } from '../names.ts'
import { CloudRefusedError, invalidParameter } from './errors.ts'
import { FieldReader } from './fields.ts'
import { type PageRequest, readPage } from './page-request.ts'
import { EVERYBODY, readStreamSubscribe, readSubscription, type Subscription } from './subscription.ts'

/** How a channel is recorded: every user by himself, all in one picture, or a page. */
export const CLOUD_MODES = ['individual', 'mix', 'web'] as const
/** One of {@link CLOUD_MODES}. */
export type CloudMode = (typeof CLOUD_MODES)[number]

/** Whose call it is: the channel, and the uid the recording service has in it. */
export interface Caller {
  readonly cname: string
  readonly uid: string
}

/** Picture and sound of a mixed recording. */
export interface MixRequest {
  readonly widthPixels: number
  readonly heightPixels: number
  readonly frameRate: number
  readonly videoBitrateBps: number
  readonly audioBitrateBps: number
  readonly layout: MixLayout
}

/** Where the users of a mixed recording go. */
export interface MixLayout {
  readonly layout: Layout
  /** User in the large picture of a layout that has one. */
  readonly stageUid: number | undefined
}

/** A start as it was asked for. */
export interface StartRequest {
  readonly mode: CloudMode
  /** Of mode web only. */
  readonly page: PageRequest | undefined
  readonly audio: boolean
  readonly video: boolean
  readonly subscription: Subscription
  /** Without anybody in the channel it ends after this long. */
  readonly maxIdleMs: number
  readonly fileTypes: readonly CloudFileType[]
  /** Folders below the recording root. */
  readonly folders: readonly string[]
  readonly mix: MixRequest
}

/** What files are made. */
export const CLOUD_FILE_TYPES = ['hls', 'mp4'] as const
/** One of {@link CLOUD_FILE_TYPES}. */
export type CloudFileType = (typeof CLOUD_FILE_TYPES)[number]

/** The vendor's layouts by number; 3, regions of the caller's own, there is none of. */
const LAYOUT_NUMBERS: readonly Layout[] = ['picture-in-picture', 'best-fit', 'vertical-presentation']
/** Bits per second of `audioProfile` 0 to 2. */
const AUDIO_PROFILES = [48_000, 128_000, 192_000] as const
const MAX_FOLDERS = 16
const FOLDER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const ANY_NUMBER = { min: 0, max: 0xffff_ffff } as const

/** @throws {CloudRefusedError} */
export function readCaller(call: string, body: unknown): { readonly caller: Caller; readonly request: FieldReader } {
  const fields = new FieldReader(call, body)
  const cname = fields.text('cname', 1024)
  if (cname === undefined) throw invalidParameter(call, 'cname is missing')
  if (!isChannelName(cname)) {
    throw new CloudRefusedError({ status: 400, vendorCode: 1013, reason: `${call}: invalid channel name` })
  }
  const uid = fields.text('uid', 32)
  if (uid === undefined || (parseUid(uid) ?? 0) === 0) {
    throw invalidParameter(call, 'invalid uid value: expected a text of a number from 1 to 4294967295')
  }
  const request = fields.object('clientRequest')
  if (request === undefined) throw invalidParameter(call, 'clientRequest is missing')
  return { caller: { cname, uid }, request }
}

/** How many hours a recording's calls are answered. @throws {CloudRefusedError} */
export function readAcquire(request: FieldReader): { readonly expiresHours: number } {
  const scene = request.whole('scene', 0, { min: 0, max: 2 })
  if (scene === 2) throw request.refuse('scene', 'nothing is transcoded later here: MP4 is made at once')
  return { expiresHours: request.whole('resourceExpiredHour', 72, { min: 1, max: 720 }) }
}

/** @throws {CloudRefusedError} */
export function readStart(mode: CloudMode, request: FieldReader): StartRequest {
  const page = mode === 'web' ? readPage(request) : undefined
  if (page === undefined && request.has('extensionServiceConfig')) {
    throw request.refuse('extensionServiceConfig', 'only mode web has one')
  }
  const policy = request.objectOrEmpty('appsCollection').text('combinationPolicy', 64) ?? 'default'
  if (policy !== 'default') throw request.refuse('appsCollection', 'nothing is transcoded later here')
  const config = request.objectOrEmpty('recordingConfig')
  // Read to be refused where they can't be; what they say is the network's business that this server is not in.
  request.text('token', 4096)
  config.whole('channelType', 0, { min: 0, max: 1 })
  config.whole('videoStreamType', 0, { min: 0, max: 1 })
  config.whole('subscribeUidGroup', 0, { min: 0, max: 5 })
  if (config.whole('decryptionMode', 0, ANY_NUMBER) !== 0) {
    throw config.refuse('decryptionMode', 'encrypted channels can’t be recorded here')
  }
  if (request.has('snapshotConfig')) throw request.refuse('snapshotConfig', 'there are no snapshots here')
  const streamTypes = config.whole('streamTypes', 2, { min: 0, max: 2 })
  const subscription = readSubscription(config)
  if (streamTypes === 0 && subscription.video !== undefined) {
    throw config.refuse('subscribeVideoUids', 'streamTypes 0 records no pictures')
  }
  if (streamTypes === 1 && subscription.audio !== undefined) {
    throw config.refuse('subscribeAudioUids', 'streamTypes 1 records no sound')
  }
  return {
    mode,
    page,
    audio: streamTypes !== 1,
    video: streamTypes !== 0,
    subscription: subscription.audio === undefined && subscription.video === undefined ? EVERYBODY : subscription,
    maxIdleMs: 1000 * config.whole('maxIdleTime', 30, { min: 5, max: 2_592_000 }),
    fileTypes: readFileTypes(request.objectOrEmpty('recordingFileConfig')),
    folders: readFolders(request.objectOrEmpty('storageConfig')),
    mix: readMix(config),
  }
}

/** @throws {CloudRefusedError} */
export function readUpdate(request: FieldReader): Subscription {
  const subscribe = request.object('streamSubscribe')
  if (subscribe === undefined) throw invalidParameter('Update', 'clientRequest.streamSubscribe is missing')
  return readStreamSubscribe(subscribe)
}

/** @throws {CloudRefusedError} */
export function readUpdateLayout(request: FieldReader): MixLayout {
  try {
    return readLayout(request)
  } catch (error) {
    if (!(error instanceof CloudRefusedError)) throw error
    throw new CloudRefusedError({ ...error.refusal, vendorCode: 1028 })
  }
}

function readFileTypes(config: FieldReader): readonly CloudFileType[] {
  const texts = config.texts('avFileType', { items: CLOUD_FILE_TYPES.length, characters: 16 }) ?? ['hls']
  const types = CLOUD_FILE_TYPES.filter((type) => texts.includes(type))
  if (types.length === 0 || types.length !== texts.length) {
    throw config.refuse('avFileType', `expected some of ${CLOUD_FILE_TYPES.join(', ')}`)
  }
  return types
}

/** Vendor, bucket and keys are of a storage that is not here. */
function readFolders(storage: FieldReader): readonly string[] {
  storage.whole('vendor', 0, ANY_NUMBER)
  storage.whole('region', 0, ANY_NUMBER)
  for (const name of ['bucket', 'accessKey', 'secretKey']) storage.text(name, 4096)
  const folders = storage.texts('fileNamePrefix', { items: MAX_FOLDERS, characters: 128 }) ?? []
  if (!folders.every((folder) => FOLDER.test(folder))) {
    throw storage.refuse('fileNamePrefix', 'expected names of letters and digits')
  }
  return folders
}

function readMix(config: FieldReader): MixRequest {
  const profile = config.whole('audioProfile', 0, { min: 0, max: 2 })
  const transcoding = config.objectOrEmpty('transcodingConfig')
  const side = { min: 64, max: 1920 } as const
  const [widthPixels, heightPixels] = [transcoding.whole('width', 360, side), transcoding.whole('height', 640, side)]
  if (widthPixels * heightPixels > 1920 * 1080) throw transcoding.refuse('width', 'the picture is larger than 1080p')
  return {
    // Colours are counted for two pixels at a time.
    widthPixels: widthPixels - (widthPixels % 2),
    heightPixels: heightPixels - (heightPixels % 2),
    frameRate: transcoding.whole('fps', 15, { min: 1, max: 60 }),
    videoBitrateBps: 1000 * transcoding.whole('bitrate', 500, { min: 8, max: 20_000 }),
    audioBitrateBps: AUDIO_PROFILES[profile] ?? AUDIO_PROFILES[0],
    layout: readLayout(transcoding),
  }
}

function readLayout(fields: FieldReader): MixLayout {
  const number = fields.whole('mixedVideoLayout', 0, { min: 0, max: 3 })
  const layout = LAYOUT_NUMBERS[number]
  if (layout === undefined) {
    throw fields.refuse('mixedVideoLayout', 'there is no customized layout (3) here, only 0, 1 and 2')
  }
  const colour = fields.text('backgroundColor', 16)
  if (colour !== undefined && !/^#[0-9a-f]{6}$/i.test(colour)) {
    throw fields.refuse('backgroundColor', 'expected a colour such as #000000')
  }
  const stage = fields.text('maxResolutionUid', 32)
  const stageUid = stage === undefined ? undefined : parseUid(stage)
  if (stage !== undefined && stageUid === undefined) throw fields.refuse('maxResolutionUid', 'expected a uid')
  return { layout, stageUid }
}
